import { Memo } from '../memo.ts'
import type { CertificateFacts } from '../pki/certificate.ts'
import { readRawCertificate } from '../pki/certificate-der.ts'
import { type CrlFacts, isCrlSignedBy, type RevokedEntry } from '../pki/crl.ts'
import type { Authority, CertificationPath } from './chain.ts'

/** More CAs than this are not surely remembered for one list; only CAs below an anchor ever get there. */
const MAX_SIGNERS = 32

/** A certificate of a path that a list names. */
export interface ListedRevocation {
  /** Serial number of the certificate, the leaf's or that of a CA above it. */
  readonly serial: string
  readonly isLeaf: boolean
  readonly revokedAt: Date
  readonly reason: RevokedEntry['reason']
}

/** Why it cannot be known whether a CA has revoked something; `reason` completes a log line. */
export interface RevocationGap {
  /** Subject of the CA, for logs and people. */
  readonly issuer: string
  readonly reason: string
}

/** What the lists say about a certificate and the CAs above it. */
export interface RevocationStatus {
  readonly revoked: ListedRevocation | undefined
  /** CAs of the path without a list that can be relied upon now. */
  readonly gaps: readonly RevocationGap[]
}

/** A CRL that is ready to be searched. */
interface SearchableList {
  readonly crl: CrlFacts
  readonly entries: ReadonlyMap<string, RevokedEntry>
  /** Whether the CA with this fingerprint has signed it. */
  readonly signers: Memo<boolean>
}

function isSignedBy({ crl, signers }: SearchableList, { facts, publicKey }: Authority): boolean {
  const { fingerprint, keyUsage } = facts
  return (
    signers.get(fingerprint) ??
    // RFC 5280 §6.3.3 (f): a CA that states the uses of its key must state this one.
    signers.keep(fingerprint, keyUsage?.includes('cRLSign') !== false && isCrlSignedBy(crl, publicKey))
  )
}

/** RFC 5280 §5.2: a list with a critical extension that is not understood, a delta or a part say, says nothing. */
function isUsable({ crl }: SearchableList): boolean {
  return crl.unknownCritical.length === 0
}

function staleness({ thisUpdate, nextUpdate }: CrlFacts, now: Date): string | undefined {
  if (thisUpdate > now) return `its CRL is not valid before ${thisUpdate.toISOString()}`
  return nextUpdate !== undefined && nextUpdate < now ? `its CRL is stale since ${nextUpdate.toISOString()}` : undefined
}

function nameKey(name: Uint8Array): string {
  return Buffer.from(name).toString('base64')
}

/**
 * CRLs of several CAs (RFC 5280 §6.3), complete ones that the CA itself has signed. A list counts only for the CA whose
 * key has signed it; a revocation in a stale list stays a revocation.
 */
export class RevocationLists {
  readonly #lists = new Map<string, SearchableList[]>()
  readonly #exempt: ReadonlySet<string>

  /**
   * @param crls in any order, several of one CA too
   * @param exempt SHA-256 fingerprints (lower-case hexadecimal) of CAs that need no list, because their revocations are
   *   known otherwise
   */
  constructor(crls: readonly CrlFacts[], exempt: ReadonlySet<string>) {
    this.#exempt = exempt
    for (const crl of crls) {
      const entries = new Map(crl.entries.map((entry) => [entry.serial, entry]))
      const key = nameKey(crl.issuerName)
      const lists = this.#lists.get(key) ?? []
      this.#lists.set(key, [...lists, { crl, entries, signers: new Memo(MAX_SIGNERS) }])
    }
  }

  /** @param path as {@link TrustAnchors.pathOf} found it for the certificate */
  statusOf(leaf: CertificateFacts, path: CertificationPath, now: Date): RevocationStatus {
    const gaps: RevocationGap[] = []
    let [issued, isLeaf] = [leaf, true]
    for (const issuer of path) {
      const entry = this.#entryOf(issued.serial, issuer)
      if (entry !== undefined) {
        const { revokedAt, reason } = entry
        return { revoked: { serial: issued.serial, isLeaf, revokedAt, reason }, gaps: [] }
      }
      const gap = this.gapOf(issuer, now)
      if (gap !== undefined) gaps.push(gap)
      ;[issued, isLeaf] = [issuer.facts, false]
    }
    return { revoked: undefined, gaps }
  }

  /** Why it cannot be known what this CA has revoked; undefined when it can. */
  gapOf(issuer: Authority, now: Date): RevocationGap | undefined {
    if (this.#exempt.has(issuer.facts.fingerprint)) return undefined
    const { subject } = issuer.facts
    const signed = this.#of(issuer)
    if (signed.length === 0) return { issuer: subject, reason: 'there is no CRL of it' }
    const usable = signed.filter(isUsable)
    if (usable.length === 0) return { issuer: subject, reason: 'its CRL has critical extensions that are not known' }
    const problems = usable.map(({ crl }) => staleness(crl, now))
    const [problem] = problems
    return problem === undefined || problems.includes(undefined) ? undefined : { issuer: subject, reason: problem }
  }

  #entryOf(serial: string, issuer: Authority): RevokedEntry | undefined {
    for (const list of this.#of(issuer)) {
      const entry = isUsable(list) ? list.entries.get(serial) : undefined
      if (entry !== undefined) return entry
    }
    return undefined
  }

  #of(issuer: Authority): SearchableList[] {
    const named =
      this.#lists.size === 0 ? [] : this.#lists.get(nameKey(readRawCertificate(issuer.certificate.raw).subject.raw))
    return (named ?? []).filter((list) => isSignedBy(list, issuer))
  }
}
