import { EXTERNAL_SOURCES, type ExternalSource } from '../xmpp/sasl/external.ts'
import { MIN_ITERATIONS, SCRAM_HASHES } from '../xmpp/sasl/scram-keys.ts'
import { CERTIFICATE_MANAGEMENT } from './features/certificate-management-fields.ts'
import { REGISTRATION } from './features/registration-fields.ts'
import { group, groups, optional, optionalGroup, required, type ValuesOf, withDefault } from './field.ts'
import { choice, databaseUrl, domain, integer, listOf, path, secretPath, text, toggle } from './kinds.ts'
import { C2S, HTTP } from './listen.ts'
import { AUTH_METHODS, HASH_ALIASES, MECHANISM_ALIASES, MECHANISMS, METHOD_ALIASES } from './login-methods.ts'

/** MongooseIM's names for the same things. */
const SOURCE_ALIASES: Readonly<Record<string, ExternalSource>> = { standard: 'xmpp_addr' }

/** What happens when a client asks for a resource that is in use (RFC 6120 §7.7.2.2). */
export const CONFLICT_POLICIES = ['replace', 'refuse', 'rename'] as const

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** 112 bits of security (RFC 9325 §4.5); what has fewer may be broken while its certificate is valid. */
export const GOOD_RSA_BITS = 2_048

/** Every key of `xmppki.toml`: what is checked, filled in, shown and documented comes from here. */
export const SCHEMA = {
  general: group({
    hosts: withDefault(listOf(domain, { least: 1 }), [], 'domains served; without it that of the workspace'),
    loglevel: withDefault(
      choice(LOG_LEVELS, { warning: 'warn', none: 'silent' }),
      'info',
      'least severity that is logged',
    ),
    resource_conflict: withDefault(
      choice(CONFLICT_POLICIES),
      'replace',
      'a resource in use: the older session ends, the newcomer is refused, or it gets another resource',
    ),
  }),
  host_config: groups({
    host: required(domain, 'the domain, one of `general.hosts`'),
    certfile: required(path, 'PEM file with the certificate of this domain and its chain, on every listener'),
    keyfile: required(secretPath, 'PEM file with the private key of `certfile`'),
    password_file: optional(secretPath, 'file whose first line is the password of `keyfile`'),
  }),
  listen: group({ c2s: groups(C2S), http: optionalGroup(HTTP) }),
  store: group({
    url: optional(
      databaseUrl,
      'PostgreSQL database for accounts and the certificates that they enrol, and for telling other servers what was revoked; without it they are in the workspace',
    ),
    url_file: optional(secretPath, 'file whose first line is that URL, if it is not to stand in this file'),
  }),
  auth: group({
    methods: withDefault(
      listOf(choice(AUTH_METHODS, METHOD_ALIASES), { least: 1 }),
      ['pki'],
      'what one logs in with: certificates, or passwords of the accounts in the store',
    ),
    sasl_mechanisms: withDefault(
      listOf(choice(MECHANISMS, MECHANISM_ALIASES), { least: 1 }),
      ['external', 'scram'],
      'SASL mechanisms, of which those are offered that the methods can do; `scram` is every kind of SCRAM',
    ),
    sasl_external: withDefault(
      listOf(choice(EXTERNAL_SOURCES, SOURCE_ALIASES), { least: 1 }),
      ['xmpp_addr', 'common_name'],
      'where the account name comes from; the first source that applies to a certificate decides',
    ),
    sasl_external_common_name: group({
      prefix: withDefault(text, '', 'put before a Common Name, or a UID, to make the username'),
      suffix: withDefault(text, '', 'put behind a Common Name, or a UID, to make the username'),
    }),
    pki: group({
      require_account: withDefault(
        toggle,
        false,
        'whether a certificate logs in only where there is an account in the store; needs `rdbms`',
      ),
      min_rsa_bits: withDefault(
        integer(1_024, 16_384),
        GOOD_RSA_BITS,
        'bits that an RSA key must have, of a client as of every CA above it',
      ),
    }),
    password: group({
      hash: withDefault(
        listOf(choice(SCRAM_HASHES, HASH_ALIASES), { least: 1 }),
        SCRAM_HASHES,
        'what the keys of a password are kept for; limits which kinds of SCRAM there are',
      ),
      scram_iterations: withDefault(
        integer(MIN_ITERATIONS, 1_000_000),
        10_000,
        'rounds of PBKDF2 for a new password; each login costs its client as much',
      ),
    }),
    ...REGISTRATION,
    ...CERTIFICATE_MANAGEMENT,
  }),
}

/** The effective configuration: every value checked, every default filled in, paths absolute. */
export type Configuration = ValuesOf<typeof SCHEMA>

/** One `[[listen.c2s]]`. */
export type C2sConfiguration = Configuration['listen']['c2s'][number]

/** The `tls` block of a listener. */
export type TlsConfiguration = C2sConfiguration['tls']

/** Tells operators of MongooseIM what became of keys that xmppki does not have. */
export const REPLACED_KEYS: Readonly<Record<string, string>> = {
  password: 'put the password into a file and name it with password_file',
  dhfile: 'remove it: the key exchange is ECDHE',
  module: 'remove it: there is one implementation of TLS',
  protocol_options: 'name what you want with versions',
}
