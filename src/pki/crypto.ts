// @peculiar/x509 wants the Reflect polyfill before it is loaded, so everybody takes the library from here.
import 'reflect-metadata'
import type { KeyObject } from 'node:crypto'
import { Crypto } from '@peculiar/webcrypto'
import * as x509 from '@peculiar/x509'
import type { KeyAlgorithm } from './algorithms.ts'
import type { KeyPair } from './keys.ts'

/** The one provider of the product; a PKCS #11 provider with the same interface can take its place. */
const provider = new Crypto()
x509.cryptoProvider.set(provider)

export { x509 }

/** A private key as the provider takes it for signing. */
function importSigningKey(key: KeyObject, algorithm: KeyAlgorithm) {
  const der = key.export({ type: 'pkcs8', format: 'der' })
  return provider.subtle.importKey('pkcs8', der, algorithm.webCrypto, false, ['sign'])
}

/** Both halves as the provider takes them. */
export async function importKeyPair(keys: KeyPair) {
  const der = keys.publicKey.export({ type: 'spki', format: 'der' })
  const [privateKey, publicKey] = await Promise.all([
    importSigningKey(keys.privateKey, keys.algorithm),
    provider.subtle.importKey('spki', der, keys.algorithm.webCrypto, true, ['verify']),
  ])
  return { privateKey, publicKey }
}

/** The signature parameters that the generators of @peculiar/x509 want for a key of this type. */
export function signingAlgorithm({ webCrypto, signatureHash }: KeyAlgorithm) {
  return signatureHash === undefined ? { name: webCrypto.name } : { name: webCrypto.name, hash: signatureHash }
}
