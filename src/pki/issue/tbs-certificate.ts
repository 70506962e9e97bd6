import type { KeyObject } from 'node:crypto'
import { booleanTrue, context, integer, octetString, oid, sequence, time } from '../der/der-writer.ts'
import type { KeyAlgorithm } from '../keys/algorithms.ts'
import { publicKeyInfo } from '../keys/public-key-info.ts'
import { signatureAlgorithmIdentifier } from '../keys/signature.ts'
import type { ProfileExtension } from '../x509/extensions.ts'
import type { Profile } from './profiles.ts'
import type { Validity } from './validity.ts'

function extensionDer({ oid: id, critical, value }: ProfileExtension): Uint8Array {
  return sequence(oid(id), ...(critical ? [booleanTrue()] : []), octetString(value))
}

/** DER of a TBSCertificate, version 3 (RFC 5280 §4.1). */
export function tbsCertificate(
  parts: Profile &
    Validity & {
      readonly serial: Uint8Array
      readonly publicKey: KeyObject
      /** DER of the issuer's name. */
      readonly issuerName: Uint8Array
      readonly issuerAlgorithm: KeyAlgorithm
    },
): Uint8Array {
  return sequence(
    context(0, integer(2)),
    integer(parts.serial),
    signatureAlgorithmIdentifier(parts.issuerAlgorithm),
    parts.issuerName,
    sequence(time(parts.notBefore), time(parts.notAfter)),
    parts.subject,
    publicKeyInfo(parts.publicKey),
    context(3, sequence(...parts.extensions.map(extensionDer))),
  )
}
