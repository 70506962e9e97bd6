import { importKeyPair, signingAlgorithm, x509 } from './crypto.ts'
import type { KeyPair } from './keys.ts'
import { type AccountName, clientAlternativeNames, fitsCommonName, subjectName } from './names.ts'
import { OID } from './oids.ts'
import { encodePem } from './pem.ts'

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
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name(subjectName({ commonName })),
    keys: await importKeyPair(keys),
    signingAlgorithm: signingAlgorithm(keys.algorithm),
    extensions: [new x509.Extension(OID.subjectAltName, commonName === undefined, clientAlternativeNames(jid))],
  })
  return encodePem('CERTIFICATE REQUEST', new Uint8Array(csr.rawData))
}
