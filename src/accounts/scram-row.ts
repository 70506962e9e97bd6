import { MIN_ITERATIONS, type ScramHash, type ScramKeys } from '../xmpp/sasl/scram-keys.ts'
import { rowError } from './foreign-account.ts'

/** More would let whoever asks for PLAIN keep the server busy for seconds. */
const MAX_ITERATIONS = 1_000_000

/** Servers make salts of 16 to 36 bytes. */
const MAX_SALT = 1_024

/** H() gives as many bytes, so the length of a key says of which hash it is. */
const HASH_BY_LENGTH: ReadonlyMap<number, ScramHash> = new Map([
  [20, 'sha-1'],
  [32, 'sha-256'],
  [64, 'sha-512'],
])

/** What a row says of one hash of SCRAM (RFC 5802 §3). */
export interface ScramRow {
  /** As it is written there; undefined when it is not said. */
  readonly hash: string | undefined
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/**
 * The keys of a row, with their hash.
 * @throws {XmppkiError} BAD_INPUT when they are no keys of SCRAM, or of a hash that is not used here
 */
export function scramKeys({ hash: named, salt, iterations, storedKey, serverKey }: ScramRow): [ScramHash, ScramKeys] {
  const hash = HASH_BY_LENGTH.get(storedKey.length)
  if (named !== undefined && scramHash(named) === undefined) {
    throw rowError(`the hash ${JSON.stringify(named)} is not used here`, { hint: 'there are: sha-1, sha-256, sha-512' })
  }
  if (hash === undefined || (named !== undefined && scramHash(named) !== hash)) {
    const what = named === undefined ? 'no key of SHA-1, SHA-256 or SHA-512' : `no key of ${named}`
    throw rowError(`the stored key has ${storedKey.length} bytes: ${what}`)
  }
  if (serverKey.length !== storedKey.length) {
    throw rowError(`the server key has ${serverKey.length} bytes, the stored key ${storedKey.length}`)
  }
  if (salt.length === 0 || salt.length > MAX_SALT) throw rowError(`the salt has ${salt.length} bytes`)
  checkIterations(iterations)
  const keys = { salt: base64(salt), iterations, storedKey: base64(storedKey), serverKey: base64(serverKey) }
  return [hash, keys]
}

/** `SHA-256`, `sha256`, `SCRAM-SHA-256`; undefined for what is not used here. */
export function scramHash(written: string): ScramHash | undefined {
  const [, bits] = /^(?:scram[-_]?)?sha[-_]?(|1|256|512)$/i.exec(written.trim()) ?? []
  return bits === undefined ? undefined : HASHES[bits]
}

/** Erlang calls SHA-1 `sha`. */
const HASHES: Readonly<Record<string, ScramHash>> = { '': 'sha-1', 1: 'sha-1', 256: 'sha-256', 512: 'sha-512' }

/** What {@link scramKeys} takes, from base64. @throws {XmppkiError} BAD_INPUT, without the value */
export function keyOctets(texts: { readonly salt: string; readonly storedKey: string; readonly serverKey: string }) {
  return {
    salt: fromBase64(texts.salt, 'salt'),
    storedKey: fromBase64(texts.storedKey, 'stored key'),
    serverKey: fromBase64(texts.serverKey, 'server key'),
  }
}

function fromBase64(text: string, what: string): Buffer {
  const octets = Buffer.from(text, 'base64')
  if (base64(octets) !== text) throw rowError(`the ${what} is not in base64`, { spec: 'RFC 4648 §4' })
  return octets
}

/** @param what for the message @throws {XmppkiError} BAD_INPUT, without the value */
export function fromHex(text: string, what: string): Buffer {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw rowError(`the ${what} is not in hexadecimal`)
  return Buffer.from(text, 'hex')
}

/** A count as it is written. @throws {XmppkiError} BAD_INPUT */
export function parseIterations(text: string): number {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text)
  throw rowError('the number of iterations is not a whole number')
}

function checkIterations(iterations: number): void {
  if (!Number.isSafeInteger(iterations) || iterations > MAX_ITERATIONS) {
    throw rowError(`the number of iterations must be whole, and no more than ${MAX_ITERATIONS}`)
  }
  if (iterations >= MIN_ITERATIONS) return
  throw rowError(`the keys come from ${iterations} iterations, and clients accept no fewer than ${MIN_ITERATIONS}`, {
    hint: 'give the account a new password: xmppki user add',
    spec: 'RFC 5802 §5.1',
  })
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}
