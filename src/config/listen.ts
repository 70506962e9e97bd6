import { group, optional, required, withDefault } from './field.ts'
import { address, choice, cipherList, integer, integerOr, listOf, path, secretPath, toggle } from './kinds.ts'
import { AUTH_METHODS, METHOD_ALIASES } from './login-methods.ts'

/** RFC 6120 §13.12 allows no limit below 10,000 bytes. */
const LEAST_STANZA_SIZE = 10_000

/** What the configuration that came with MongooseIM until 6.3 allowed; with less a login takes minutes. */
export const LEAST_BYTES_PER_SECOND = 1_000

/** More than a machine takes. */
export const MOST_BYTES_PER_SECOND = 1_000_000_000

/** A client that reads as fast as it can is behind by some stanzas now and then. */
const LEAST_OUTBOUND_SIZE = 65_536

/** Certificates of 4096-bit RSA with a few names have 2,000 bytes. */
const LEAST_CERTIFICATE_SIZE = 2_048

/** OpenSSL ends the handshake when a peer sends more than this. */
const MOST_OF_OPENSSL = 102_400

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

/** The keys of `[[listen.c2s]]`. */
export const C2S = {
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
  max_bytes_per_second: withDefault(
    integerOr('infinity', LEAST_BYTES_PER_SECOND, MOST_BYTES_PER_SECOND),
    131_072,
    'bytes that a client may send a second in the long run; what goes beyond is read later, never refused',
  ),
  max_stanzas_per_second: withDefault(
    integerOr('infinity', 1, 1_000_000),
    200,
    'stanzas that a client may send a second in the long run; what goes beyond is read later, never refused',
  ),
  burst_seconds: withDefault(
    integer(1, 3_600),
    10,
    'seconds for which a client that was quiet may send at once what it may send in them',
  ),
  max_outbound_size: withDefault(
    integer(LEAST_OUTBOUND_SIZE, 1_073_741_824),
    4_194_304,
    'bytes that may wait for a client that does not read; what comes then goes back to its sender',
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

/** The keys of `[listen.http]`. */
export const HTTP = {
  port: required(integer(0, 65_535), 'publish CRLs, CA certificates and OCSP on this port; 0 lets the system choose'),
  ip_address: withDefault(address, LOOPBACK, 'address to listen on'),
}
