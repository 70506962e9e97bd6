import { type CertId, matchesIssuer, type OcspRequest, readOcspRequest } from '../../pki/revocation/ocsp-request.ts'
import {
  type CertStatus,
  createOcspResponse,
  type OcspResponder,
  ocspError,
} from '../../pki/revocation/ocsp-response.ts'
import type { RevocationReason } from '../../pki/revocation/revocation-reason.ts'
import type { Ledger } from '../../store/ledger.ts'
import { type Authority, signerId } from '../../workspace/base/authority.ts'

/** How long an answer may be used again: a revocation is known everywhere after this. */
const VALIDITY_MS = 10 * 60_000

/** One CA that is answered for. */
export interface OcspAuthority {
  readonly authority: Authority
  /** Undefined while there is none. */
  readonly responder: OcspResponder | undefined
}

export interface OcspOptions {
  /** Asked at every request; its answer may change. */
  readonly authorities: () => readonly OcspAuthority[]
  readonly ledger: Pick<Ledger, 'find'>
  readonly now: () => Date
}

/**
 * Answers OCSP requests from the ledger (RFC 6960): what is revoked in another process is revoked with the next answer.
 * @returns a function from request to response, both in DER
 */
export function ocspService(options: OcspOptions): (request: Uint8Array) => Promise<Uint8Array> {
  return async (der) => {
    const request = readOcspRequest(der)
    if (request === 'malformedRequest') return ocspError(request)
    const found = options.authorities().find(({ authority }) => isAbout(request, authority))
    if (found === undefined) return ocspError('unauthorized')
    const now = options.now()
    const { responder, authority } = found
    // It will be made or renewed as soon as the key of the CA is at hand.
    if (responder === undefined || responder.notAfter <= now) return ocspError('tryLater')
    return createOcspResponse({
      request,
      responder,
      producedAt: now,
      thisUpdate: now,
      nextUpdate: new Date(Math.min(now.getTime() + VALIDITY_MS, responder.notAfter.getTime())),
      statusOf: (id) => statusOf(id, authority, options.ledger),
    })
  }
}

/** One response has one signature, and a responder answers for one CA: that of the first certificate in question. */
function isAbout({ ids: [first] }: OcspRequest, { der }: Authority): boolean {
  return first !== undefined && matchesIssuer(first, der)
}

function statusOf(id: CertId, authority: Authority, ledger: OcspOptions['ledger']): CertStatus {
  if (!matchesIssuer(id, authority.der)) return { status: 'unknown' }
  const record = ledger.find({ ...signerId(authority), serial: id.serial })
  // RFC 6960 §2.2: what was never issued is not good.
  if (record === undefined) return { status: 'unknown' }
  if (record.revokedAt === undefined) return { status: 'good' }
  // Only names of RFC 5280 §5.3.1 are ever written to the ledger.
  const reason = record.revocationReason as RevocationReason | undefined
  return { status: 'revoked', revokedAt: new Date(record.revokedAt), reason }
}
