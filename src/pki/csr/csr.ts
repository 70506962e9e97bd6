import { booleanTrue, context, integer, octetString, oid, sequence, setOf } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'
import { encodePem } from '../der/pem.ts'
import type { KeyPair } from '../keys/keys.ts'
import { publicKeyInfo } from '../keys/public-key-info.ts'
import { signStructure, softwareKey } from '../keys/signature.ts'
import { type AccountName, clientAlternativeNames, fitsCommonName, subjectName } from '../x509/names.ts'

/**
 * A certificate request (PKCS #10, RFC 2986) for an account, as PEM: CN and the subjectAltName that
 * the certificate should have.
 * @param request.commonName the CN to ask for; without it the localpart, where it fits into a CN
 */
export async function createCsr(request: {
  readonly keys: KeyPair
  readonly commonName?: string | undefined
  readonly jid: AccountName
}): Promise<string> {
  const { keys, jid } = request
  const wanted = request.commonName ?? jid.local
  const commonName = fitsCommonName(wanted) ? wanted : undefined
  // RFC 5280 §4.2.1.6: critical when the subject is empty.
  const critical = commonName === undefined ? [booleanTrue()] : []
  const names = sequence(oid(OID.subjectAltName), ...critical, octetString(clientAlternativeNames(jid)))
  // RFC 2985 §5.4.2
  const extensionRequest = sequence(oid(OID.extensionRequest), setOf(sequence(names)))
  const info = sequence(
    integer(0),
    subjectName({ commonName }),
    publicKeyInfo(keys.publicKey),
    // RFC 2986 §4.1: [0] IMPLICIT, so the tag stands in the place of the SET's.
    context(0, extensionRequest),
  )
  return encodePem('CERTIFICATE REQUEST', await signStructure(info, softwareKey(keys.privateKey)))
}
