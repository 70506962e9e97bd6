import { encodePem } from '../der/pem.ts'
import type { KeyPair } from '../keys/keys.ts'
import { onlineKey, signStructure } from '../keys/signature.ts'
import { alternativeNames } from '../x509/extensions.ts'
import { type AccountName, clientAlternativeNames, fitsCommonName } from '../x509/names.ts'

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
  const { certificationRequestInfo } = await import('./certification-request-info.ts')
  const info = certificationRequestInfo({
    subject: { commonName },
    publicKey: keys.publicKey,
    extensions: [alternativeNames(clientAlternativeNames(jid), commonName)],
  })
  // It proves for a moment that the key is there, and each has another: to import one takes longer than all the rest.
  return encodePem('CERTIFICATE REQUEST', await signStructure(info, onlineKey(keys.privateKey)))
}
