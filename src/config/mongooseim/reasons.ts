import { different, leftOut, type Options, type Remark } from './foreign-options.ts'

/** Why an option is left out; the first pattern that matches its name decides. */
type Reasons = readonly (readonly [name: RegExp, reason: string])[]

const NO_COUNTERPART = 'has no counterpart in xmppki'
const ERLANG = 'belongs to the Erlang runtime'

const LISTENER: Reasons = [
  [
    /^access$/,
    'there are no access rules: whoever has a certificate that counts may log in; revoke those who must not',
  ],
  [/^c2s_shaper$/, 'the option that MongooseIM reads is called shaper'],
  [/^proxy_protocol$/, 'the PROXY protocol is not spoken: the proxy must pass connections on without it'],
  [/^state_timeout$/, 'it counts from answer to answer there, and from the connection to the bound resource here'],
  [/^zlib$/, 'streams are not compressed'],
  [/^(backlog|reuse_port|proto)$/, 'the operating system decides'],
  [/^(num_acceptors|acceptors_num|hibernate_after|max_fsm_queue)$/, ERLANG],
]

const TLS: Reasons = [
  [/^password$/, 'write the password of the key into a file and name it with tls.password_file'],
  [/^dhfile$/, 'the key exchange is ECDHE'],
  [/^(module|tls_module)$/, 'there is one implementation of TLS'],
  [/^protocol_options$/, 'OpenSSL options are not taken over; versions are'],
  [/^ciphers$/, 'only a list in the spelling of OpenSSL is taken over'],
  [/^early_data$/, 'a login in early data could be replayed'],
  [/^keep_secrets$/, 'keys of sessions are never written anywhere'],
]

const SECTION: Reasons = [
  [/^modules\.mod_(roster|disco|ping|presence)$/, 'it is built in and always on'],
  [/^modules\.mod_mam/, 'messages are not archived'],
  [/^(s2s|outgoing_s2s|route_subdomains)/, 'there is no federation with other servers'],
  [/^(acl|access)$/, 'there are no access rules: whoever has a certificate that counts may log in'],
  [/^(outgoing_pools|odbc|rdbms|pool$|pgsql)/, 'a PostgreSQL database for xmppki is named with store.url'],
  [/^(riak|redis|ldap|cassandra)/, 'no other server is asked'],
  [/^modules\.mod_register$/, 'whether strangers may make accounts is auth.registration, which is off'],
  [/^(internal_databases|sm_backend|general\.(sm|s2s|component)_backend)$/, 'sessions are kept in memory'],
  [/^(override_(global|local|acls))$/, 'a configuration is always taken whole'],
  [/^(max_fsm_queue|general\.max_fsm_queue)$/, ERLANG],
  [/^general\.host_types$/, 'domains are those of general.hosts'],
  [/^services/, 'there are no such services'],
  [/^listen (http|ejabberd_cowboy)/, 'clients connect over TCP: there is no WebSocket, BOSH or REST API'],
  [/^listen (s2s|ejabberd_s2s_in)/, 'there is no federation with other servers'],
  [/^listen (component|service|ejabberd_service)/, 'there are no external components'],
]

function reasonOf(option: string, reasons: Reasons): string {
  return reasons.find(([name]) => name.test(option))?.[1] ?? NO_COUNTERPART
}

/** Options that ask for nothing. */
function isIdle(value: unknown): boolean {
  return value === false || (typeof value === 'string' && ['none', 'infinity', 'tcp', 'all'].includes(value))
}

function remarks(prefix: string, options: Options, reasons: Reasons): Remark[] {
  return Object.entries(options)
    .filter(([, value]) => !isIdle(value))
    .map(([name]) => leftOut(`${prefix}${name}`, reasonOf(name, reasons)))
}

/** About what is left of a listener. @param listener its name */
export function listenerRemarks(listener: string, others: Options): Remark[] {
  const { backwards_compatible_session: session, ...rest } = others
  const isOff = session === false
  const differs = isOff ? [different(`${listener} backwards_compatible_session`, 'it is always on')] : []
  return [...remarks(`${listener} `, rest, LISTENER), ...differs]
}

/** About what is left of the TLS options of a listener. @param listener its name */
export function tlsRemarks(listener: string, others: Options): Remark[] {
  return remarks(`${listener} tls.`, others, TLS)
}

/** About what is left of the options of authentication. @param prefix how they are called in the file */
export function authRemarks(prefix: string, others: Options): Remark[] {
  return remarks(prefix, others, [])
}

/** About a section, or an option at the top, that is left out as a whole. */
export function sectionRemark(name: string): Remark {
  return leftOut(name, reasonOf(name, SECTION))
}
