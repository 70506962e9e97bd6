import type { KeyObject } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { TAG } from '../der/der.ts'
import { context, contextPrimitive, element, generalizedTime, octetString, oid, sequence } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'
import { decodePem } from '../der/pem.ts'
import { keyIdentifierOf } from '../issue/issuer.ts'
import { isSamePublicKey } from '../keys/keys.ts'
import { type SigningKey, signStructure } from '../keys/signature.ts'
import { openCertificate, readCertificate } from '../x509/certificate.ts'
import type { CertId, OcspRequest } from './ocsp-request.ts'
import { type RevocationReason, reasonDer } from './revocation-reason.ts'

/** What a responder says about one certificate (RFC 6960 §2.2). */
export type CertStatus =
  | { readonly status: 'good' }
  | {
      readonly status: 'revoked'
      readonly revokedAt: Date
      /** Missing is the same as `unspecified`. */
      readonly reason?: RevocationReason | undefined
    }
  /** Of another CA, or never issued as far as is known: `good` would vouch for a forgery. */
  | { readonly status: 'unknown' }

/** Who signs the answers: the holder of a certificate of the CA for this purpose (RFC 6960 §4.2.2.2). */
export interface OcspResponder {
  /** DER. */
  readonly certificate: Uint8Array
  readonly notAfter: Date
  readonly key: SigningKey
  /** SHA-1 of the bits of its public key, whatever else is hashed how (KeyHash, RFC 6960 §4.2.1). */
  readonly keyHash: Uint8Array
}

/** Why there is no answer, by the number that is written (RFC 6960 §4.2.1). */
const ERROR_CODES = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const

/** OCSPResponseStatus other than successful. */
export type OcspError = keyof typeof ERROR_CODES

/** DER of the answer that is none; it needs no signature (RFC 6960 §2.3). */
export function ocspError(error: OcspError): Uint8Array {
  return sequence(element(TAG.enumerated, Uint8Array.of(ERROR_CODES[error])))
}

function refused(source: string, why: string, spec?: string): XmppkiError {
  return new XmppkiError('BAD_INPUT', `${source} ${why}`, spec === undefined ? {} : { spec })
}

/**
 * Joins the certificate of a responder with its private key.
 * @param issuerKey public key of the CA for which it answers
 * @param source names the certificate file in errors
 * @throws XmppkiError BAD_INPUT when the text is not a certificate, it is not for signing OCSP responses, it was issued by
 *   another CA, or the key is another's
 */
export function loadOcspResponder(
  certificatePem: string,
  key: SigningKey,
  issuerKey: KeyObject,
  source = 'the OCSP certificate',
): OcspResponder {
  const der = decodePem(certificatePem, 'CERTIFICATE', source)
  const { extendedKeyUsage, subject, notAfter } = readCertificate(der, source)
  if (!extendedKeyUsage?.includes(OID.ocspSigning)) {
    throw refused(source, `may not sign OCSP responses (${subject})`, 'RFC 6960 §4.2.2.2')
  }
  const certificate = openCertificate(der, source)
  if (!isSamePublicKey(certificate.publicKey, key.publicKey))
    throw refused(source, 'does not belong to its private key')
  // RFC 6960 §4.2.2.2: issued directly by the CA that issued the certificates in question.
  if (!certificate.verify(issuerKey))
    throw refused(source, `was issued by another CA (${subject})`, 'RFC 6960 §4.2.2.2')
  return { certificate: der, notAfter, key, keyHash: keyIdentifierOf(key.publicKey) }
}

function certStatus(status: CertStatus): Uint8Array {
  if (status.status === 'good') return contextPrimitive(0, new Uint8Array())
  if (status.status === 'unknown') return contextPrimitive(2, new Uint8Array())
  const { revokedAt, reason } = status
  // As in CRLs (RFC 5280 §5.3.1), unspecified is said by saying nothing.
  const parts = reason === undefined || reason === 'unspecified' ? [] : [context(0, reasonDer(reason))]
  return context(1, generalizedTime(revokedAt), ...parts)
}

function nonceExtension(nonce: Uint8Array): Uint8Array {
  return context(1, sequence(sequence(oid(OID.ocspNonce), octetString(octetString(nonce)))))
}

/**
 * DER of a successful response: a BasicOCSPResponse (RFC 6960 §4.2.1) that answers every question of the request in its
 * order, repeats its nonce and carries the certificate of the responder.
 * @param answer.statusOf asked once for each certificate; what it throws is thrown
 * @param answer.producedAt when it is signed
 * @param answer.thisUpdate when the statuses were known to be correct
 * @param answer.nextUpdate when there will be something newer; until then the response may be cached (RFC 5019 §4)
 * @throws XmppkiError BAD_INPUT when `nextUpdate` is not after `thisUpdate`
 */
export async function createOcspResponse(answer: {
  readonly request: OcspRequest
  readonly responder: OcspResponder
  readonly producedAt: Date
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly statusOf: (id: CertId) => CertStatus
}): Promise<Uint8Array> {
  const { request, responder, producedAt, thisUpdate, nextUpdate, statusOf } = answer
  if (nextUpdate <= thisUpdate) {
    throw new XmppkiError('BAD_INPUT', 'the next update of an OCSP response must be after this one', {
      spec: 'RFC 6960 §4.2.2.1',
    })
  }
  const times = [generalizedTime(thisUpdate), context(0, generalizedTime(nextUpdate))]
  const data = sequence(
    // responderID byKey
    context(2, octetString(responder.keyHash)),
    generalizedTime(producedAt),
    sequence(...request.ids.map((id) => sequence(id.raw, certStatus(statusOf(id)), ...times))),
    ...(request.nonce === undefined ? [] : [nonceExtension(request.nonce)]),
  )
  const basic = await signStructure(data, responder.key, context(0, sequence(responder.certificate)))
  const successful = element(TAG.enumerated, Uint8Array.of(0))
  return sequence(successful, context(0, sequence(oid(OID.ocspBasic), octetString(basic))))
}
