import type { KeyObject } from 'node:crypto'
import { Crypto } from '@peculiar/webcrypto'
import type { KeyAlgorithm } from './algorithms.ts'
import { certificateSignature } from './ecdsa-sig-value.ts'

const { subtle } = new Crypto()

/**
 * Signs with `@peculiar/webcrypto`; the key is imported once, however much it signs.
 * @returns what {@link SigningKey.sign} is
 */
export async function webCryptoSigner(
  privateKey: KeyObject,
  algorithm: KeyAlgorithm,
): Promise<(octets: Uint8Array) => Promise<Uint8Array>> {
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const key = await subtle.importKey('pkcs8', pkcs8, algorithm.webCrypto, false, ['sign'])
  pkcs8.fill(0)
  const { signatureHash, webCrypto } = algorithm
  const parameters = signatureHash === undefined ? webCrypto : { ...webCrypto, hash: signatureHash }
  return async (octets) => certificateSignature(new Uint8Array(await subtle.sign(parameters, key, octets)), algorithm)
}
