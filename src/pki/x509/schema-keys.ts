import type { KeyObject } from 'node:crypto'
import { AlgorithmIdentifier, SubjectPublicKeyInfo } from '@peculiar/asn1-x509'
import { readOid, readSingle, TAG } from '../der/der.ts'
import type { KeyAlgorithm } from '../keys/algorithms.ts'
import { publicKeyInfo } from '../keys/public-key-info.ts'
import { signatureOid } from '../keys/signature.ts'
import { readPublicKeyBits } from './certificate-der.ts'

/** AlgorithmIdentifier of the signatures that a key of this type makes. */
export function schemaSignatureAlgorithm(key: KeyAlgorithm): AlgorithmIdentifier {
  const algorithm = signatureOid(key)
  // RFC 4055 §5 wants NULL parameters for RSA; RFC 5758 §3.2 and RFC 8410 §3 want none.
  return new AlgorithmIdentifier(key.generation.type === 'rsa' ? { algorithm, parameters: null } : { algorithm })
}

/** SubjectPublicKeyInfo with what OpenSSL writes into it; to parse it by the schema takes as long as half a certificate. */
export function schemaPublicKey(publicKey: KeyObject): SubjectPublicKeyInfo {
  const info = readSingle(publicKeyInfo(publicKey), TAG.sequence)
  const parts = info.reader().read(TAG.sequence).reader()
  const algorithm = readOid(parts.next())
  return new SubjectPublicKeyInfo({
    algorithm: new AlgorithmIdentifier(
      parts.done ? { algorithm } : { algorithm, parameters: Uint8Array.from(parts.next().raw).buffer },
    ),
    subjectPublicKey: Uint8Array.from(readPublicKeyBits(info)).buffer,
  })
}
