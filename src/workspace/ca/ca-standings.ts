import { isSameSigner, type SignerId } from '../../store/certificate-id.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { Refusal } from '../../trust/refusal.ts'
import { signerId } from '../base/authority.ts'
import type { Workspace } from '../base/workspace.ts'

/** One certificate of a CA. */
interface CaCertificate {
  readonly record: IssuedRecord
  /** The CA, as far as the certificate can be read. */
  readonly id: SignerId
  readonly notAfter: number
}

/**
 * What became of the CAs of a workspace. Their rows and certificates are read once, so that asking about each of many
 * clients costs next to nothing; no signature is verified.
 */
export class CaStandings {
  readonly #certificates: readonly CaCertificate[]
  readonly #now: number
  readonly #known = new Map<string, Refusal | undefined>()

  /** @throws {XmppkiError} CORRUPT, IO, as `Workspace.root` */
  constructor(workspace: Workspace, now: Date) {
    const ledger = workspace.ledger()
    const authorities = workspace.knownAuthorities()
    this.#now = now.getTime()
    this.#certificates = [...ledger.list('root'), ...ledger.list('issuing')].map((record) => {
      const authority = authorities.find(({ serial }) => serial === record.serial)
      return authority === undefined
        ? { record, id: { authority: '', issuer: record.serial }, notAfter: record.notAfter }
        : { record, id: signerId(authority), notAfter: authority.notAfter.getTime() }
    })
  }

  /** Why nothing is accepted that this CA has signed; undefined as long as one certificate of it is good, or none is known. */
  refusalBelow(signer: SignerId): Refusal | undefined {
    const key = `${signer.authority} ${signer.issuer}`
    if (!this.#known.has(key)) this.#known.set(key, this.#judge(signer))
    return this.#known.get(key)
  }

  #judge(signer: SignerId): Refusal | undefined {
    const refusals = this.#certificates.filter(({ id }) => isSameSigner(id, signer)).map((one) => this.#refusalOf(one))
    return refusals.includes(undefined) ? undefined : refusals[0]
  }

  #refusalOf({ record, notAfter }: CaCertificate): Refusal | undefined {
    const { kind, name, serial, revokedAt } = record
    if (revokedAt !== undefined)
      return { check: 'revoked', reason: `its CA ${name} was revoked on ${isoTime(revokedAt)}` }
    if (notAfter < this.#now) return { check: 'expired', reason: `its CA ${name} expired on ${isoTime(notAfter)}` }
    return kind === 'root' || record.issuer === serial ? undefined : this.refusalBelow(record)
  }
}

function isoTime(time: number): string {
  return new Date(time).toISOString()
}
