import { XmppkiError } from '../../errors.ts'
import { decodePrivateKey, type KeyPair } from '../../pki/keys/keys.ts'
import { openCertificate } from '../../pki/x509/certificate.ts'

/** A file that was read. */
export interface FoundFile<T> {
  readonly path: string
  readonly content: T
}

/**
 * The key of a certificate, both as they lie on the disk.
 * @throws {XmppkiError} CORRUPT when the key is another's, BAD_INPUT
 */
export function matchingKey(key: FoundFile<string>, certificate: FoundFile<Uint8Array>): KeyPair {
  const keys = decodePrivateKey(key.content, { source: key.path })
  if (openCertificate(certificate.content).checkPrivateKey(keys.privateKey)) return keys
  throw new XmppkiError('CORRUPT', `${key.path} does not belong to the certificate ${certificate.path}`, {
    hint: 'restore it from a backup',
  })
}
