import { XmppkiError } from '../../errors.ts'

/** Which database, and how to get there. */
export interface PostgresTarget {
  /** Name or address of the server, or the absolute path of the folder with its socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Undefined where the server lets the user in without one. */
  readonly password: string | undefined
  /** Whether the connection is encrypted and the server must prove its name; a socket or the machine itself needs neither. */
  readonly tls: boolean
  /** PEM file with the CA of the server, instead of those that the system trusts. */
  readonly caFile: string | undefined
}

const DEFAULT_PORT = 5432
const SHAPE = 'postgres://USER:PASSWORD@HOST/DATABASE'
/** `postgres://user@/database?host=/folder`: the host stands in the parameter alone, which is not a URL to URL parsers. */
const SOCKET_ONLY = /^(postgres(?:ql)?:\/\/[^/?#]*@)\/(?=[^?]*\?(?:.*&)?host=)/
const PARAMETERS = ['host', 'port', 'sslmode', 'sslrootcert']

/**
 * Reads a connection URI as PostgreSQL writes it (https://www.postgresql.org/docs/current/libpq-connect.html), less what
 * would weaken it: over the network the server is authenticated unless `sslmode=disable` says that nobody listens there.
 * @throws {XmppkiError} BAD_INPUT, which never has the text in it: there may be a password in it
 */
export function parsePostgresUrl(text: string): PostgresTarget {
  const url = toUrl(text)
  const { searchParams: parameters } = url
  const strange = [...parameters.keys()].find((name) => !PARAMETERS.includes(name))
  if (strange !== undefined) {
    throw bad('there is a parameter behind the "?" that it cannot have', `use ${PARAMETERS.join(', ')} only`)
  }
  const host = parameters.get('host') ?? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1')
  const database = decoded(url.pathname.slice(1))
  const user = decoded(url.username)
  if (host === '') throw bad('it names no server', `write it as ${SHAPE}`)
  if (database === '' || database.includes('/')) throw bad('it names no database', `write it as ${SHAPE}`)
  if (user === '') throw bad('it names no user', `write it as ${SHAPE}`)
  return {
    host,
    port: toPort(parameters.get('port') ?? url.port),
    database,
    user,
    password: url.password === '' ? undefined : decoded(url.password),
    tls: wantsTls(parameters.get('sslmode'), host),
    caFile: parameters.get('sslrootcert') ?? undefined,
  }
}

/** The URL for people: without the password. @throws {XmppkiError} BAD_INPUT */
export function withoutPassword(text: string): string {
  const url = toUrl(text)
  if (url.password !== '') url.password = '***'
  return SOCKET_ONLY.test(text) ? url.href.replace('@socket/', '@/') : url.href
}

function toUrl(text: string): URL {
  const whole = text.replace(SOCKET_ONLY, '$1socket/')
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  if (url === undefined) throw bad('it is not a URL', `write it as ${SHAPE}, special characters as %XX`)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw bad('it does not begin with postgres://')
  if (url.hash !== '') throw bad('there is a "#" in it', 'write it as %23')
  return url
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw bad('a "%" in it is not followed by two hexadecimal digits', 'write % itself as %25')
  }
}

function toPort(text: string): number {
  if (text === '') return DEFAULT_PORT
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw bad('its port is none', 'write a number up to 65535')
  return Number(text)
}

function wantsTls(mode: string | null, host: string): boolean {
  if (mode === 'disable') return false
  if (mode === 'verify-full') return true
  if (mode === null) return !isHere(host)
  throw bad('its sslmode is not one that proves who answers', 'write sslmode=verify-full, or disable without TLS')
}

function isHere(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function bad(what: string, hint = `write it as ${SHAPE}`): XmppkiError {
  return new XmppkiError('BAD_INPUT', `the URL of the database cannot be used: ${what}`, { hint })
}
