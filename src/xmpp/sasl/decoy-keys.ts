import { createHmac } from 'node:crypto'
import { HASH_FACTS } from './scram-crypto.ts'
import { SALT_BYTES, type ScramHash, type ScramKeys } from './scram-keys.ts'

/**
 * Such keys as an account of this name could have; nobody knows a password of them, and they are the same every time.
 * @param options the secret is all that they are made from besides the name
 */
export function decoyKeys(
  hash: ScramHash,
  name: string,
  { decoySecret, iterations }: { readonly decoySecret: Uint8Array; readonly iterations: number },
): ScramKeys {
  const make = (what: string, bytes: number) => {
    const made = createHmac('sha512', decoySecret).update(`${hash} ${what} ${name}`).digest()
    return made.subarray(0, bytes).toString('base64')
  }
  const { bytes } = HASH_FACTS[hash]
  return {
    salt: make('salt', SALT_BYTES),
    iterations,
    storedKey: make('stored', bytes),
    serverKey: make('server', bytes),
  }
}
