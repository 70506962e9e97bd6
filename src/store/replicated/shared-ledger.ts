import { type CertificateId, isSameSigner } from '../certificate-id.ts'
import type { Enrolments } from '../enrolments.ts'
import type { IssuedRecord, Ledger, LoginLedger, Standing } from '../ledger.ts'
import type { SharedRevocation } from '../revocations.ts'
import type { SqliteRevocations } from '../sqlite/revocations.ts'

/** What accounts have enrolled where several servers share that. */
export interface SharedKnowledge {
  /** Grows when something is learned. */
  readonly changes: number
  /** Undefined while nothing is shared: then the ledger knows. */
  readonly enrolments: Enrolments | undefined
}

/**
 * The ledger as logins see it: what it has revoked itself, and what others have. Other machines may have a certificate
 * revoked that this one has issued, or that its ledger does not know at all.
 */
export class SharedLedger implements LoginLedger {
  readonly #ledger: Ledger
  readonly #others: () => Pick<SqliteRevocations, 'changes' | 'find' | 'findAmong'> | undefined
  readonly #shared: SharedKnowledge

  /**
   * @param others asked at every use; undefined as long as nothing is shared
   * @param shared asked at every use
   */
  constructor(
    ledger: Ledger,
    others: () => Pick<SqliteRevocations, 'changes' | 'find' | 'findAmong'> | undefined,
    shared: SharedKnowledge = { changes: 0, enrolments: undefined },
  ) {
    this.#ledger = ledger
    this.#others = others
    this.#shared = shared
  }

  get enrolments(): Enrolments {
    return this.#shared.enrolments ?? this.#ledger.enrolments
  }

  /** Those of this ledger: of what others have issued nothing but revocations is known. */
  listBySerial(serial: string): IssuedRecord[] {
    return this.#ledger.listBySerial(serial)
  }

  revokedAt(certificate: CertificateId): number | undefined {
    return this.#ledger.revokedAt(certificate) ?? this.#byOthers(certificate)?.revokedAt
  }

  find(certificate: CertificateId): Standing | undefined {
    const own = this.#ledger.find(certificate)
    if (own?.revokedAt !== undefined) return own
    const other = this.#byOthers(certificate)
    return other === undefined ? own : { ...own, revokedAt: other.revokedAt, revocationReason: other.reason }
  }

  revokedAmong<Id extends CertificateId>(certificates: readonly Id[]): Id[] {
    const own = new Set(this.#ledger.revokedAmong(certificates))
    const others = this.#othersAmong(certificates)
    return certificates.filter(
      (certificate) => own.has(certificate) || this.#meant(others.get(certificate.serial), certificate) !== undefined,
    )
  }

  changes(): number {
    // All numbers grow, and so does their sum.
    return this.#ledger.changes() + (this.#others()?.changes ?? 0) + this.#shared.changes
  }

  /** Those that this ledger has issued certificates to, and all who have enrolled some. */
  knowsClient(name: string): boolean {
    return this.#ledger.knowsClient(name) || this.#shared.enrolments?.knows(name) === true
  }

  absence(): string | undefined {
    return this.#ledger.absence?.()
  }

  /** What others have revoked with these serial numbers, by serial number. */
  #othersAmong(certificates: readonly CertificateId[]): ReadonlyMap<string, readonly SharedRevocation[]> {
    const found = new Map<string, SharedRevocation[]>()
    for (const one of this.#others()?.findAmong(certificates.map(({ serial }) => serial)) ?? []) {
      const others = found.get(one.serial)
      if (others === undefined) found.set(one.serial, [one])
      else others.push(one)
    }
    return found
  }

  #byOthers(certificate: CertificateId): SharedRevocation | undefined {
    return this.#meant(this.#others()?.find(certificate.serial), certificate)
  }

  /**
   * CAs that were made with other tools number from 1: a certificate is not meant when another CA has its number. The
   * serial number of a CA's certificate that others name may be that of an earlier one, which this ledger knows as well.
   */
  #meant(revoked: readonly SharedRevocation[] = [], certificate: CertificateId): SharedRevocation | undefined {
    if (revoked.length === 0) return undefined
    const own = this.#ledger.find(certificate) ?? certificate
    return revoked.find((one) => isSameSigner(one, certificate) || isSameSigner(one, own))
  }
}
