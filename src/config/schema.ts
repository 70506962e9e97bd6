import { EXTERNAL_SOURCES, type ExternalSource } from '../xmpp/sasl/external.ts'
import { MIN_ITERATIONS, SCRAM_HASHES } from '../xmpp/sasl/scram-keys.ts'
import { group, groups, optional, optionalGroup, required, type ValuesOf, withDefault } from './field.ts'
import {
  address,
  choice,
  cipherList,
  databaseUrl,
  domain,
  integer,
  integerOr,
  listOf,
  path,
  secretPath,
  text,
  toggle,
} from './kinds.ts'
import { AUTH_METHODS, HASH_ALIASES, MECHANISM_ALIASES, MECHANISMS, METHOD_ALIASES } from './login-methods.ts'

/** MongooseIM's names for the same things. */
const SOURCE_ALIASES: Readonly<Record<string, ExternalSource>> = { standard: 'xmpp_addr' }

/** RFC 6120 §13.12 allows no limit below 10,000 bytes. */
const LEAST_STANZA_SIZE = 10_000

/** Certificates of 4096-bit RSA with a few names have 2,000 bytes. */
const LEAST_CERTIFICATE_SIZE = 2_048

/** OpenSSL ends the handshake when a peer sends more than this. */
const MOST_OF_OPENSSL = 102_400

/** What happens when a client asks for a resource that is in use (RFC 6120 §7.7.2.2). */
export const CONFLICT_POLICIES = ['replace', 'refuse', 'rename'] as const

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** 112 bits of security (RFC 9325 §4.5); what has fewer may be broken while its certificate is valid. */
export const GOOD_RSA_BITS = 2_048

const VERIFY_MODES = ['peer', 'selfsigned_peer', 'none'] as const

const CRL_MODES = ['soft', 'hard'] as const

const LOOPBACK = '127.0.0.1'

const TLS = {
  mode: withDefault(
    choice(['starttls', 'starttls_required', 'tls']),
    'starttls_required',
    'STARTTLS offered, STARTTLS required, or TLS from the first byte (XEP-0368)',
  ),
  verify_mode: withDefault(
    choice(VERIFY_MODES),
    'peer',
    'which client certificates count: issued by a trusted CA, self-signed ones as well, or none is asked for',
  ),
  disconnect_on_failure: withDefault(
    toggle,
    false,
    'whether a client whose certificate is bad is disconnected; otherwise it goes on without EXTERNAL',
  ),
  certfile: optional(path, 'PEM file with the server certificate and its chain, for all domains without their own'),
  keyfile: optional(secretPath, 'PEM file with the private key of `certfile`'),
  password_file: optional(secretPath, 'file whose first line is the password of `keyfile`'),
  cacertfile: withDefault(
    listOf(path, { least: 0 }),
    [],
    'PEM files with CAs whose client certificates are accepted, beside the CAs of the workspace; CRLs in them count',
  ),
  versions: withDefault(
    listOf(choice(['tlsv1.2', 'tlsv1.3']), { least: 1 }),
    ['tlsv1.2', 'tlsv1.3'],
    'versions of TLS; adjacent ones',
  ),
  ciphers: optional(cipherList, 'ciphers as OpenSSL lists them; those of TLS 1.3 by their full names'),
  crl_files: withDefault(
    listOf(path, { least: 0 }),
    [],
    'CRLs of the CAs in `cacertfile`, PEM or DER; read again when they change',
  ),
  crl_mode: withDefault(
    choice(CRL_MODES),
    'soft',
    'what a missing or stale CRL does: a warning in the log, or nobody of that CA logs in',
  ),
  session_tickets: withDefault(
    toggle,
    false,
    'whether TLS sessions can be resumed; certificates are checked all the same',
  ),
  max_certificate_size: withDefault(
    integer(LEAST_CERTIFICATE_SIZE, MOST_OF_OPENSSL),
    16_384,
    'bytes of a client certificate; a larger one is not read, and logs nobody in',
  ),
  max_chain_size: withDefault(
    integer(LEAST_CERTIFICATE_SIZE, MOST_OF_OPENSSL),
    65_536,
    'bytes of all certificates that a client sends; when they are more, none is read',
  ),
  max_chain_length: withDefault(
    integer(1, 100),
    8,
    'CA certificates that a client may send along; more are not looked at',
  ),
}

const C2S = {
  port: required(integer(0, 65_535), 'TCP port; 0 lets the system choose'),
  ip_address: withDefault(address, LOOPBACK, 'address to listen on; `::` is every address'),
  max_connections: withDefault(integer(1, 1_000_000), 100_000, 'connections at the same time'),
  max_connections_per_address: withDefault(
    integer(1, 1_000_000),
    10_000,
    'of them from one IPv4 address or IPv6 /64; more is needed behind a TCP proxy, which is one address',
  ),
  max_stanza_size: withDefault(
    integer(LEAST_STANZA_SIZE, 16_777_216),
    262_144,
    'bytes of a stanza after the login; before it 10000 hold',
  ),
  state_timeout: withDefault(
    integer(1_000, 3_600_000),
    60_000,
    'milliseconds that a client may take from the connection to a bound resource',
  ),
  allowed_auth_methods: optional(
    listOf(choice(AUTH_METHODS, METHOD_ALIASES), { least: 1 }),
    'those of `auth.methods` that this listener takes; without it all',
  ),
  tls: group(TLS),
}

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
  listen: group({
    c2s: groups(C2S),
    http: optionalGroup({
      port: required(
        integer(0, 65_535),
        'publish CRLs, CA certificates and OCSP on this port; 0 lets the system choose',
      ),
      ip_address: withDefault(address, LOOPBACK, 'address to listen on'),
    }),
  }),
  store: group({
    url: optional(
      databaseUrl,
      'PostgreSQL database for accounts, and for telling other servers what was revoked; without it accounts are in the workspace',
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
    max_users_per_domain: withDefault(
      integerOr('infinity', 1, 1_000_000_000),
      'infinity',
      'most accounts of a domain in the store',
    ),
    registration: withDefault(
      toggle,
      false,
      'whether strangers may make accounts, and accounts remove themselves (XEP-0077)',
    ),
    certificate_enrolment: withDefault(
      toggle,
      false,
      'whether an account may enrol certificates of its own to log in with, self-signed ones as well (XEP-0257)',
    ),
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
