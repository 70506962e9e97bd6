import { XmppkiError } from '../../errors.ts'
import { A_PORT, type ForeignListener, type ForeignTls, isPort, OptionReader } from './foreign-options.ts'
import { proplist } from './plain-term.ts'
import { readSuites } from './suites.ts'

/** One element of `{listen, […]}`. */
export interface CfgListener {
  readonly module: string
  /** A port, or a port with an address, a protocol, or both. */
  readonly port: unknown
  readonly options: unknown
  /** File, line and column. */
  readonly place: string
}

/** Reads `{5222, ejabberd_c2s, [certfile …, starttls, verify_peer]}`. @throws {XmppkiError} BAD_INPUT */
export function readCfgListener({ port: raw, module, options, place }: CfgListener): ForeignListener {
  const [port, ...where] = [raw].flat(1)
  if (!isPort(port)) throw new XmppkiError('BAD_INPUT', `${place}: the port of ${module} must be ${A_PORT}`)
  const reader = new OptionReader(proplist(options, place), place)
  const isV6 = reader.flag('inet6') === true
  const wanted = reader.raw('ip')
  const bound = where.find((one) => one !== 'tcp' && one !== 'udp')
  return {
    name: `listen ${port} ${module}`,
    port,
    ip_address: addressOf(bound ?? wanted, place) ?? (isV6 ? '::' : '0.0.0.0'),
    tls: readTls(reader, place),
    allowed: undefined,
    shaper: reader.text('shaper'),
    others: reader.rest(),
  }
}

/** `{127, 0, 0, 1}` or `"127.0.0.1"`. */
function addressOf(raw: unknown, place: string): string | undefined {
  if (raw === undefined || typeof raw === 'string') return raw
  const parts = Array.isArray(raw) && raw.every((part) => Number.isInteger(part)) ? raw : []
  if (parts.length === 4) return parts.join('.')
  if (parts.length === 8)
    return parts.every((part) => part === 0) ? '::' : parts.map((part) => part.toString(16)).join(':')
  throw new XmppkiError('BAD_INPUT', `${place}: an address is {127, 0, 0, 1} or "127.0.0.1"`)
}

/** Undefined when clients cannot use TLS. */
function readTls(reader: OptionReader, place: string): ForeignTls | undefined {
  const asks = reader.flag('verify_peer') === true && reader.flag('verify_none') !== true
  const mode = readMode(reader, asks)
  const module = reader.text('tls_module') ?? 'fast_tls'
  const ssl = new OptionReader(proplist(reader.raw('ssl_options') ?? [], place), place)
  const verification = readVerifyFun(ssl)
  const certfile = reader.text('certfile') ?? ssl.text('certfile')
  const suites = readSuites(reader)
  const tls = {
    mode: mode ?? '',
    verify_mode: asks ? verification.mode : 'none',
    // fast_tls lets a bad certificate pass the handshake.
    disconnect_on_failure: module !== 'fast_tls' && verification.disconnects,
    certfile,
    // The file of the certificate holds the key as well.
    keyfile: ssl.text('keyfile') ?? certfile,
    cacertfile: reader.text('cafile') ?? ssl.text('cacertfile'),
    crl_files: reader.texts('crlfiles') ?? [],
    versions: ssl.texts('versions') ?? suites.versions,
    ciphers: suites.ciphers,
    session_tickets: false,
    others: { ...ssl.rest(), ...suites.others, ...reader.only('dhfile') },
  }
  return mode === undefined ? undefined : tls
}

/** Verification implies STARTTLS (`ejabberd_c2s`). */
function readMode(reader: OptionReader, asks: boolean): string | undefined {
  const modes = ['tls', 'starttls_required', 'starttls'].filter((mode) => reader.flag(mode) === true)
  return modes[0] ?? (asks ? 'starttls' : undefined)
}

interface Verification {
  readonly mode: string
  readonly disconnects: boolean
}

/** `{verify_fun, {selfsigned_peer, DisconnectOnFailure}}`; without it the handshake fails on a bad certificate. */
function readVerifyFun(ssl: OptionReader): Verification {
  const raw = ssl.raw('verify_fun')
  if (raw === undefined) return { mode: 'peer', disconnects: true }
  const [mode, disconnects] = [raw].flat(1)
  const isKnown = mode === 'peer' || mode === 'selfsigned_peer' || mode === 'none'
  if (isKnown && (typeof disconnects === 'boolean' || disconnects === undefined)) {
    return { mode, disconnects: disconnects !== false }
  }
  return ssl.fail('verify_fun', '{peer, true}, or with selfsigned_peer or false in it')
}
