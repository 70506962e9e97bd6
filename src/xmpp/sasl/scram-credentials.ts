import { randomBytes, timingSafeEqual } from 'node:crypto'
import { saslprep } from '@mongodb-js/saslprep'
import { XmppkiError } from '../../errors.ts'
import { digest, hmac, saltedPassword } from './scram-crypto.ts'
import {
  MIN_ITERATIONS,
  SALT_BYTES,
  SCRAM_HASHES,
  type ScramHash,
  type ScramKeySet,
  type ScramKeys,
} from './scram-keys.ts'

/** Characters of a password: who sends more only wants to keep us busy. */
const MAX_PASSWORD = 1_023

export interface DerivationOptions {
  readonly hashes: readonly ScramHash[]
  /** Rounds of PBKDF2, at least {@link MIN_ITERATIONS}. */
  readonly iterations: number
}

/**
 * A password in the form that keys are derived from: SASLprep, as RFC 5802 §2.2 wants it and clients do it. (The
 * OpaqueString of RFC 8265 would keep apart what NFKC makes one, and then such a password logs in with some clients only.)
 * @returns undefined for one that cannot be used: empty, too long, or with characters that SASLprep prohibits
 */
export function preparePassword(password: string): string | undefined {
  if (password.length > MAX_PASSWORD) return undefined
  try {
    const prepared = saslprep(password)
    return prepared === '' ? undefined : prepared
  } catch {
    return undefined
  }
}

/**
 * The keys that a server keeps of a password (RFC 5802 §3), one for each hash, with fresh salts.
 * @throws {XmppkiError} PASSPHRASE when the password cannot be used; the message does not contain it
 */
export async function deriveKeys(password: string, { hashes, iterations }: DerivationOptions): Promise<ScramKeySet> {
  if (!Number.isSafeInteger(iterations) || iterations < MIN_ITERATIONS) {
    throw new XmppkiError('BAD_INPUT', `${iterations} iterations are too few`, {
      hint: `at least ${MIN_ITERATIONS}`,
      spec: 'RFC 5802 §5.1',
    })
  }
  const prepared = preparePassword(password)
  if (prepared === undefined) {
    throw new XmppkiError(
      'PASSPHRASE',
      'the password is blank, too long, or has characters that no password may have',
      {
        hint: `1 to ${MAX_PASSWORD} characters; no control characters, and none that came after Unicode 3.2, as emoji did`,
        spec: 'RFC 4013 §2.3',
      },
    )
  }
  const derived = await Promise.all(
    hashes.map(async (hash) => [hash, await keysFor(hash, prepared, iterations)] as const),
  )
  return Object.fromEntries(derived)
}

async function keysFor(hash: ScramHash, prepared: string, iterations: number): Promise<ScramKeys> {
  const salt = randomBytes(SALT_BYTES)
  const salted = await saltedPassword(hash, prepared, salt, iterations)
  return {
    salt: salt.toString('base64'),
    iterations,
    storedKey: digest(hash, hmac(hash, salted, 'Client Key')).toString('base64'),
    serverKey: hmac(hash, salted, 'Server Key').toString('base64'),
  }
}

/** The strongest of the keys, for those who may choose. */
function strongest(keys: ScramKeySet): readonly [ScramHash, ScramKeys] | undefined {
  for (const hash of SCRAM_HASHES.toReversed()) {
    const found = keys[hash]
    if (found !== undefined) return [hash, found]
  }
  return undefined
}

/** Whether this is the password that the keys are of; by its strongest hash, in a time that tells nothing. */
export async function verifyPassword(password: string, keys: ScramKeySet): Promise<boolean> {
  const prepared = preparePassword(password)
  const found = strongest(keys)
  if (prepared === undefined || found === undefined) return false
  const [hash, { salt, iterations, serverKey }] = found
  const salted = await saltedPassword(hash, prepared, Buffer.from(salt, 'base64'), iterations)
  const expected = Buffer.from(serverKey, 'base64')
  const actual = hmac(hash, salted, 'Server Key')
  return expected.length === actual.length && timingSafeEqual(actual, expected)
}
