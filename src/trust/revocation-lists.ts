import { Memo } from '../memo.ts'
import { isSignedNow } from '../pki/revocation/crl-signature.ts'
import { ALL_REASONS } from '../pki/revocation/distribution-points.ts'
import type { RevocationReason } from '../pki/revocation/revocation-reason.ts'
import type { CaCertificate } from './ca-certificate.ts'
import { type ListedCertificate, type Question, question, reasonsCovered, scopeProblem } from './list-coverage.ts'
import { groupsOf, type ListGroup } from './list-group.ts'
import { type LoadedList, maySignLists } from './loaded-list.ts'

/** More CAs that are not configured are not surely remembered; only CAs below an anchor ever get there. */
const MAX_SIGNERS = 32

/** What the lists say about one certificate. */
export type ListAnswer =
  | { readonly kind: 'revoked'; readonly revokedAt: Date; readonly reason: RevocationReason | undefined }
  | { readonly kind: 'good' }
  /** `reason` completes a log line about the issuer: "there is no CRL of it". */
  | { readonly kind: 'unknown'; readonly reason: string }

/** Why it cannot be known whether a CA has revoked something; `reason` completes a log line. */
export interface RevocationGap {
  /** Subject of the CA, for logs and people. */
  readonly issuer: string
  readonly reason: string
}

const GOOD: ListAnswer = { kind: 'good' }

/**
 * CRLs of several CAs (RFC 5280 §6.3). What a list of its issuer names is revoked, whether the list is stale or not and
 * however odd it is; what none names is good only where current lists cover it. A list counts for the CA (name and key)
 * that has signed it.
 */
export class RevocationLists {
  readonly #groups = new Map<string, readonly ListGroup[]>()
  /** Of CAs that are not configured, by name. */
  readonly #unproven = new Map<string, LoadedList[]>()
  /** What was found of those, by CA. */
  readonly #proven = new Memo<readonly ListGroup[]>(MAX_SIGNERS)
  /** Lists of one CA about certificates of others, by the name of the CA that publishes them. */
  readonly #indirect = new Map<string, readonly ListGroup[]>()
  readonly #exempt: ReadonlySet<string>

  /**
   * @param lists in any order, several of one CA too
   * @param options.exempt SHA-256 fingerprints (lower-case hexadecimal) of CAs whose revocations are known otherwise: what
   *   they have issued is never `unknown`
   * @param options.authorities whose indirect lists count for certificates of other CAs that say so
   */
  constructor(
    lists: readonly LoadedList[],
    options: { readonly exempt: ReadonlySet<string>; readonly authorities: readonly CaCertificate[] },
  ) {
    this.#exempt = options.exempt
    const bySigner = new Map<string, LoadedList[]>()
    for (const list of new Set(lists)) {
      const [map, key] =
        list.signer === undefined ? [this.#unproven, list.crl.issuerKey] : ([bySigner, list.signer] as const)
      map.set(key, [...(map.get(key) ?? []), list])
    }
    for (const [id, signed] of bySigner) this.#groups.set(id, groupsOf(signed))
    for (const { id, name } of options.authorities) {
      const indirect = (bySigner.get(id) ?? []).filter(({ crl }) => crl.scope.indirect)
      if (indirect.length > 0) this.#indirect.set(name, [...(this.#indirect.get(name) ?? []), ...groupsOf(indirect)])
    }
  }

  /** @param issuer the CA above it in the path that is judged */
  statusOf(certificate: ListedCertificate, issuer: CaCertificate, now: Date): ListAnswer {
    const asked = question(certificate, issuer)
    const groups = this.#groupsFor(asked)
    for (const group of groups) {
      const revocation = group.revocationOf(asked, now)
      if (revocation !== undefined) return { kind: 'revoked', ...revocation }
    }
    if (this.#isExempt(issuer)) return GOOD
    const reason = problemOf(groups, asked, now)
    return reason === undefined ? GOOD : { kind: 'unknown', reason }
  }

  /**
   * Why it cannot be known what this CA has revoked of the certificates of its users; undefined when it can, as far as that
   * does not depend on where their certificates say that it is published.
   */
  gapOf(issuer: CaCertificate, now: Date): RevocationGap | undefined {
    if (this.#isExempt(issuer)) return undefined
    const reason = problemOf(this.#groupsOf(issuer), undefined, now)
    return reason === undefined ? undefined : { issuer: issuer.facts.subject, reason }
  }

  #isExempt({ facts }: CaCertificate): boolean {
    return this.#exempt.has(facts.fingerprint)
  }

  #groupsFor(asked: Question): readonly ListGroup[] {
    const own = this.#groupsOf(asked.authority)
    if (this.#indirect.size === 0) return own
    const publishers = new Set(asked.points().flatMap(({ crlIssuers }) => crlIssuers))
    publishers.delete(asked.issuer)
    return [...own, ...[...publishers].flatMap((name) => this.#indirect.get(name) ?? [])]
  }

  #groupsOf(issuer: CaCertificate): readonly ListGroup[] {
    const known = this.#groups.get(issuer.id) ?? []
    const unproven = this.#unproven.get(issuer.name)
    if (unproven === undefined) return known
    const proven = this.#proven.get(issuer.id) ?? this.#proven.keep(issuer.id, groupsOf(signedBy(issuer, unproven)))
    return [...known, ...proven]
  }
}

function signedBy(issuer: CaCertificate, lists: readonly LoadedList[]): LoadedList[] {
  if (!maySignLists(issuer)) return []
  return lists.filter(({ crl, signature }) => isSignedNow(crl.signed, signature, issuer.publicKey))
}

/** What complete lists say about what they do not name. */
class Coverage {
  /** For which reasons it would be named. */
  #reasons = 0
  /** Why lists that are about it say nothing. */
  #problem: string | undefined
  /** Why others are not about it. */
  #outside: string | undefined

  add(list: LoadedList, reasons: number, problem: string | undefined, asked: Question | undefined): void {
    if (reasons === 0) this.#outside ??= scopeProblem(list, asked)
    else if (problem === undefined) this.#reasons |= reasons
    else this.#problem ??= problem
  }

  get isWhole(): boolean {
    return this.#reasons === ALL_REASONS
  }

  get gap(): string | undefined {
    const partial = this.#reasons === 0 ? undefined : 'its CRLs cover only some reasons for a revocation'
    return this.#problem ?? partial ?? this.#outside
  }
}

/** Why these lists leave open whether something that they do not name is revoked; undefined when they do not. */
function problemOf(groups: readonly ListGroup[], asked: Question | undefined, now: Date): string | undefined {
  const coverage = new Coverage()
  for (const group of groups) {
    for (const list of group.complete(now)) {
      const reasons = reasonsCovered(list, asked)
      coverage.add(list, reasons, group.problemOf(list, now), asked)
      if (coverage.isWhole) return undefined
    }
  }
  return coverage.gap ?? (groups.length === 0 ? 'there is no CRL of it' : 'there is only a delta CRL of it')
}
