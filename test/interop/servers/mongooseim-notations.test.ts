import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { renderMongooseimCfg, renderMongooseimToml } from '../../../src/render/mongooseim.ts'
import { readTemplate, serverRequest } from '../../support/documents/rendered.ts'
import { program } from '../program.ts'

const folder = mkdtempSync(join(tmpdir(), 'xmppki-mongooseim-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Python's own reader of TOML; prints what it has read as JSON. */
function readToml(text: string): Record<string, unknown> {
  const script = 'import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))))'
  const { code, output } = program('/usr/bin/python3', ['-c', script, file('mongooseim.toml', text)])
  expect(code, output).toBe(0)
  return JSON.parse(output) as Record<string, unknown>
}

/** Erlang's own reader of terms; a term a line, without spaces. */
function readTerms(text: string): string[] {
  const path = file('mongooseim.cfg', text)
  const script = `io:setopts([{encoding, unicode}]), {ok, Terms} = file:consult(${JSON.stringify(path)}), [io:format("~0tp~n", [T]) || T <- Terms], halt().`
  const { code, output } = program('erl', ['-noshell', '-eval', script])
  expect(code, output).toBe(0)
  return output.trimEnd().split('\n')
}

/** Names of options, as the documentation writes them: `listen.c2s.tls.mode`, without the places in lists. */
function optionsIn(value: unknown, name = ''): string[] {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    return value.flatMap((item) => optionsIn(item, name))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [name]
  const entries = Object.entries(value)
  if (entries.length === 0) return [name]
  return entries.flatMap(([key, inner]) => optionsIn(inner, name === '' ? key : `${name}.${key}`))
}

/**
 * Every option that is written, and the page of MongooseIM's documentation (6.8, the folder `doc`) or its configuration
 * template that names it.
 */
const TOML_PAGES: Readonly<Record<string, string>> = {
  'general.loglevel': 'configuration/general.md',
  'general.hosts': 'configuration/general.md',
  'general.default_server_domain': 'configuration/general.md',
  'general.language': 'configuration/general.md',
  'listen.c2s.port': 'configuration/listen.md',
  'listen.c2s.access': 'listeners/listen-c2s.md',
  'listen.c2s.shaper': 'configuration/listen.md',
  'listen.c2s.max_stanza_size': 'configuration/listen.md',
  'listen.c2s.tls.mode': 'listeners/listen-c2s.md',
  'listen.c2s.tls.certfile': 'listeners/listen-c2s.md',
  'listen.c2s.tls.keyfile': 'listeners/listen-c2s.md',
  'listen.c2s.tls.verify_mode': 'listeners/listen-c2s.md',
  'listen.c2s.tls.cacertfile': 'listeners/listen-c2s.md',
  'listen.c2s.tls.disconnect_on_failure': 'listeners/listen-c2s.md',
  'listen.c2s.tls.crl_files': 'listeners/listen-c2s.md',
  'auth.methods': 'configuration/auth.md',
  'auth.sasl_mechanisms': 'configuration/auth.md',
  'auth.sasl_external': 'configuration/auth.md',
  'auth.pki': 'authentication-methods/pki.md',
  'internal_databases.mnesia': 'configuration/internal-databases.md',
  'modules.mod_disco': 'modules/mod_disco.md',
  'modules.mod_roster': 'modules/mod_roster.md',
  'modules.mod_presence': 'modules/mod_presence.md',
  'modules.mod_private': 'modules/mod_private.md',
  'modules.mod_vcard': 'modules/mod_vcard.md',
  'modules.mod_carboncopy': 'modules/mod_carboncopy.md',
  'modules.mod_stream_management': 'modules/mod_stream_management.md',
  'modules.mod_ping': 'modules/mod_ping.md',
  'shaper.normal.max_rate': 'configuration/shaper.md',
  'acl.local': 'configuration/acl.md',
  'access.c2s.acl': 'configuration/access.md',
  'access.c2s.value': 'configuration/access.md',
}

const PASSWORD_PAGES: Readonly<Record<string, string>> = {
  'auth.rdbms': 'authentication-methods/rdbms.md',
  'outgoing_pools.rdbms.default.scope': 'configuration/outgoing-connections.md',
  'outgoing_pools.rdbms.default.workers': 'configuration/outgoing-connections.md',
  'outgoing_pools.rdbms.default.connection.driver': 'configuration/outgoing-connections.md',
  'outgoing_pools.rdbms.default.connection.host': 'configuration/outgoing-connections.md',
  'outgoing_pools.rdbms.default.connection.port': 'configuration/outgoing-connections.md',
  'outgoing_pools.rdbms.default.connection.database': 'configuration/outgoing-connections.md',
  'outgoing_pools.rdbms.default.connection.username': 'configuration/outgoing-connections.md',
  'outgoing_pools.rdbms.default.connection.password': 'configuration/outgoing-connections.md',
}

/** As above for the Erlang terms: pages of release 3.1, where nothing else is said. */
const TERM_PAGES: Readonly<Record<string, string>> = {
  loglevel: 'Advanced-configuration.md',
  hosts: 'Advanced-configuration.md',
  language: 'Advanced-configuration.md',
  listen: 'Advanced-configuration.md',
  auth_method: 'Advanced-configuration.md',
  sasl_mechanisms: 'Advanced-configuration.md',
  auth_opts: 'authentication-methods/client-certificate.md of 3.3',
  shaper: 'Advanced-configuration.md',
  acl: 'Advanced-configuration.md',
  access: 'Advanced-configuration.md',
  modules: 'Advanced-configuration.md',
}

const PASSWORD_TERM_PAGES = { odbc_server: 'Advanced-configuration.md', pool: 'Advanced-configuration.md' }

const LISTENER_PAGES: Readonly<Record<string, string>> = {
  access: 'advanced-configuration/Listener-modules.md',
  // The documentation calls it c2s_shaper; the file that comes with the release, and the code, do not.
  shaper: 'rel/files/ejabberd.cfg',
  max_stanza_size: 'advanced-configuration/Listener-modules.md',
  starttls: 'advanced-configuration/Listener-modules.md',
  starttls_required: 'advanced-configuration/Listener-modules.md',
  tls: 'advanced-configuration/Listener-modules.md of 3.7',
  tls_module: 'advanced-configuration/Listener-modules.md',
  certfile: 'advanced-configuration/Listener-modules.md',
  ssl_options: 'authentication-methods/client-certificate.md of 3.2',
  verify_peer: 'advanced-configuration/Listener-modules.md',
  cafile: 'advanced-configuration/Listener-modules.md',
  crlfiles: 'advanced-configuration/Listener-modules.md',
}

const names = (pages: Readonly<Record<string, string>>) => Object.keys(pages).sort()

describe('the TOML, read by Python', () => {
  it.each([
    ['pki', false, {}],
    ['rdbms+pki', true, PASSWORD_PAGES],
  ])('%s has options that the documentation names, and no others', (_auth, passwords, more) => {
    const read = readToml(renderMongooseimToml(serverRequest({}, passwords), readTemplate))
    expect([...new Set(optionsIn(read))].sort()).toEqual(names({ ...TOML_PAGES, ...more }))
  })

  it.each([
    ['pki', false, ['pki'], ['external'], true],
    ['rdbms+pki', true, ['rdbms', 'pki'], ['external', 'scram_sha512', 'scram_sha256', 'scram_sha1'], false],
  ])('%s says who may log in', (_auth, passwords, methods, mechanisms, disconnects) => {
    const read = readToml(renderMongooseimToml(serverRequest({}, passwords), readTemplate))
    const tls = {
      certfile: '/var/lib/xmppki/server/example.org/chain.crt',
      keyfile: '/var/lib/xmppki/server/example.org/server.key',
      cacertfile: '/var/lib/xmppki/ca/root.crt',
      crl_files: ['/var/lib/xmppki/ca/root.crl'],
      verify_mode: 'peer',
    }
    expect(read).toMatchObject({
      general: { hosts: ['example.org'], default_server_domain: 'example.org' },
      listen: {
        c2s: [
          { port: 5222, tls: { ...tls, mode: 'starttls_required', disconnect_on_failure: disconnects } },
          { port: 5223, tls: { ...tls, mode: 'tls', disconnect_on_failure: true } },
        ],
      },
      auth: { methods, sasl_mechanisms: mechanisms, sasl_external: ['standard', 'common_name'], pki: {} },
    })
    expect(JSON.stringify(read).includes('"rdbms":{}')).toBe(passwords)
  })

  it('keeps every character of a path', () => {
    const key = '/srv/"x" \\y/ü/key #1.pem'
    const read = readToml(renderMongooseimToml(serverRequest({ key }), readTemplate))
    expect(read).toMatchObject({ listen: { c2s: [{ tls: { keyfile: key } }, { tls: { keyfile: key } }] } })
  })
})

describe('the Erlang terms, read by Erlang', () => {
  const optionOf = (term: string) => /^\{?(\w+)/.exec(term)?.[1] ?? term

  it.each([
    ['pki', false, {}],
    ['rdbms+pki', true, PASSWORD_TERM_PAGES],
  ])('%s has options that the documentation names, and no others', (_auth, passwords, more) => {
    const terms = readTerms(renderMongooseimCfg(serverRequest({}, passwords), readTemplate))
    expect([...new Set(terms.map(optionOf))].sort()).toEqual(names({ ...TERM_PAGES, ...more }))
  })

  it.each([
    ['pki', false, '{auth_method,[pki]}', '{sasl_mechanisms,[cyrsasl_external]}', ''],
    [
      'rdbms+pki',
      true,
      '{auth_method,[odbc,pki]}',
      '{sasl_mechanisms,[cyrsasl_scram,cyrsasl_external]}',
      ',{verify_fun,{peer,false}}',
    ],
  ])('%s is what the guide says, with the papers of the workspace', (_auth, passwords, method, mechanisms, verify) => {
    const terms = readTerms(renderMongooseimCfg(serverRequest({}, passwords), readTemplate))
    expect(terms).toEqual(expect.arrayContaining([method, mechanisms, '{hosts,["example.org"]}']))
    const server = '/var/lib/xmppki/server/example.org'
    const papers = (more: string) =>
      `{tls_module,just_tls},{certfile,"${server}/chain.crt"},{ssl_options,[{keyfile,"${server}/server.key"}${more}]},verify_peer,{cafile,"/var/lib/xmppki/ca/root.crt"},{crlfiles,["/var/lib/xmppki/ca/root.crl"]}]}`
    const common = '{access,c2s},{shaper,c2s_shaper},{max_stanza_size,65536}'
    const listeners = [
      `{5222,ejabberd_c2s,[${common},starttls,starttls_required,${papers(verify)}`,
      `{5223,ejabberd_c2s,[${common},tls,${papers('')}`,
    ]
    const listen = terms.find((term) => term.startsWith('{listen,'))
    expect(listen).toBe(`{listen,[${listeners.join(',')}]}`)
    // Not more than those, so that the table of pages is complete.
    const known = names(LISTENER_PAGES)
    const own = listeners
      .join(',')
      .replace(/\{ssl_options,\[.*?\]\}/g, 'ssl_options')
      .replace(/"[^"]*"/g, '""')
    const found = own
      .match(/(?<=[[,]\{?)[a-z_]+(?=[,\]])/g)
      ?.filter((word) => !/^(c2s|c2s_shaper|just_tls|ejabberd_c2s)$/.test(word))
    expect([...new Set(found)].sort()).toEqual(known)
  })

  it('keeps every character of a path', () => {
    const [term] = readTerms(renderMongooseimCfg(serverRequest({ ca: '/srv/"x" \\y/ü.pem' }), readTemplate)).filter(
      (one) => one.startsWith('{listen,'),
    )
    expect(term).toContain('{cafile,"/srv/\\"x\\" \\\\y/ü.pem"}')
  })
})
