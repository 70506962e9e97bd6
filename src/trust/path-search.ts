import type { TrustAnchors } from './anchors.ts'
import { type CaCertificate, type CertificationPath, caCertificateOf, mayIssue } from './ca-certificate.ts'
import { isRefusal, type Refusal, type RefusalName } from './refusal.ts'
import { SignedCertificate } from './signed-certificate.ts'
import { checkStrength } from './strength.ts'

/** More CAs than this are not looked at on one way up; real paths have one to three. */
const MAX_LENGTH = 8

/** Signatures of strangers that are computed for one certificate: whoever sends many CAs of one name pays for it. */
const MAX_SIGNATURES = 16

/** Steps of one search; what is configured may be cross-certified in every direction. */
const MAX_STEPS = 200

/** Among refusals of several ways the first of these is told, else the first that was met. */
const TOLD_FIRST: readonly RefusalName[] = ['revoked', 'name-constraint']

/** What is said where no way has led to an anchor: the last one tells most. */
const DEAD_ENDS: readonly RefusalName[] = ['unknown-ca', 'bad-signature', 'unsupported-key', 'not-a-ca']

export interface PathQuestion<T extends object> {
  readonly leaf: SignedCertificate
  /** DER of the certificates that came with it, in any order; asked for when no configured CA has issued it. */
  readonly sent: () => readonly Uint8Array[]
  readonly anchors: TrustAnchors
  /** What is made of a path that leads to an anchor, or what speaks against it. */
  readonly judge: (path: CertificationPath) => T | Refusal
}

/**
 * Those from which names alone lead to an anchor, over others of them. Strangers may send a tower of their own: nothing in
 * it is read, and no signature computed, before it is known to have an end here.
 */
function leadingUp(sent: readonly SignedCertificate[], anchors: TrustAnchors): readonly SignedCertificate[] {
  const found = new Set<SignedCertificate>()
  const names = new Set<string>()
  for (let before = -1; before < found.size; ) {
    before = found.size
    for (const certificate of sent) {
      const { issuerName } = certificate
      if (found.has(certificate) || (!names.has(issuerName) && anchors.named(issuerName).length === 0)) continue
      found.add(certificate)
      const { subjectName } = certificate
      if (subjectName !== undefined) names.add(subjectName)
    }
  }
  return sent.filter((certificate) => found.has(certificate))
}

/** One question, answered once. */
class PathSearch<T extends object> {
  readonly #question: PathQuestion<T>
  readonly #refusals: Refusal[] = []
  readonly #deadEnds: Refusal[] = []
  #sent: readonly SignedCertificate[] | undefined
  #signatures = 0
  #steps = 0

  constructor(question: PathQuestion<T>) {
    this.#question = question
  }

  answer(): T | Refusal {
    return this.#from(this.#question.leaf, []) ?? this.#refusal()
  }

  /** Depth first: what is configured comes before what was sent, so that nothing is read which is not needed. */
  #from(link: SignedCertificate, below: readonly CaCertificate[]): T | undefined {
    const top = below.at(-1)
    const isAnchored = top !== undefined && this.#question.anchors.has(top)
    let isNamed = false
    let isEnd = true
    for (const issuer of this.#issuersOf(link, below, isAnchored)) {
      isNamed = true
      if (!this.#isSigned(link, issuer)) continue
      isEnd = false
      const found = this.#from(issuer.certificate, [...below, issuer])
      if (found !== undefined) return found
    }
    if (!isEnd) return undefined
    const [first, ...others] = below
    // RFC 5280 §6.1: the path ends with an anchor; one whose own issuer is configured as well is not its end.
    if (isAnchored && first !== undefined) return this.#judged([first, ...others])
    this.#deadEnds.push(isNamed ? BAD_SIGNATURE : unknownIssuer(link))
    return undefined
  }

  *#issuersOf(
    { issuerName }: SignedCertificate,
    below: readonly CaCertificate[],
    isAnchored: boolean,
  ): Generator<CaCertificate> {
    this.#steps += 1
    if (below.length >= MAX_LENGTH || this.#steps > MAX_STEPS) return
    const isNew = ({ id }: CaCertificate) => below.every((other) => other.id !== id)
    yield* this.#question.anchors.named(issuerName).filter(isNew)
    if (isAnchored) return
    for (const certificate of this.#sentBy(issuerName)) {
      const authority = usable(certificate)
      if (authority === undefined || !isNew(authority) || this.#question.anchors.has(authority)) continue
      const refusal = uselessness(authority)
      if (refusal === undefined) yield authority
      else this.#deadEnds.push(refusal)
    }
  }

  #sentBy(name: string): readonly SignedCertificate[] {
    this.#sent ??= leadingUp(this.#opened(), this.#question.anchors)
    return this.#sent.filter(({ subjectName }) => subjectName === name)
  }

  #opened(): readonly SignedCertificate[] {
    return this.#question.sent().flatMap((der) => {
      const certificate = SignedCertificate.open(der)
      return isRefusal(certificate) ? [] : [certificate]
    })
  }

  #isSigned(link: SignedCertificate, issuer: CaCertificate): boolean {
    if (!this.#question.anchors.has(issuer)) this.#signatures += 1
    return this.#signatures <= MAX_SIGNATURES && link.isSignedBy(issuer)
  }

  #judged(path: CertificationPath): T | undefined {
    const verdict = this.#question.judge(path)
    if (!isRefusal(verdict)) return verdict
    this.#refusals.push(verdict)
    return undefined
  }

  #refusal(): Refusal {
    const told = TOLD_FIRST.map((name) => this.#refusals.find(({ check }) => check === name))
    const ends = DEAD_ENDS.map((name) => this.#deadEnds.find(({ check }) => check === name))
    return (
      told.find((refusal) => refusal !== undefined) ??
      this.#refusals[0] ??
      ends.findLast((refusal) => refusal !== undefined) ??
      unknownIssuer(this.#question.leaf)
    )
  }
}

const BAD_SIGNATURE: Refusal = {
  check: 'bad-signature',
  reason: 'a CA of the right name is known, but its key has not signed it',
}

/** Its names are not read for this: a stranger may have sent long ones. */
function unknownIssuer({ raw: { issuer, subject } }: SignedCertificate): Refusal {
  const isSelfIssued = Buffer.compare(issuer.raw, subject.raw) === 0
  return { check: 'unknown-ca', reason: isSelfIssued ? 'it is self-signed' : 'no configured CA issued it' }
}

/** Nobody's key is tried that could cost more than it should, and whose signature would say nothing. */
function uselessness({ certificate, facts }: CaCertificate): Refusal | undefined {
  if (!mayIssue(facts)) return { check: 'not-a-ca', reason: `${facts.subject} may not issue certificates` }
  const weakness = checkStrength(certificate.raw, { minRsaBits: 1, isAnchor: true, isCa: true })
  return weakness && { check: weakness.check, reason: `its CA ${facts.subject}: ${weakness.reason}` }
}

function usable({ der }: SignedCertificate): CaCertificate | undefined {
  try {
    return caCertificateOf(der, 'the intermediate')
  } catch {
    // A peer may send anything.
    return undefined
  }
}

/**
 * Looks for a path to an anchor of which nothing speaks against (RFC 5280 §6.1): configured CAs and those that were sent
 * alike, over whichever of several. Never throws but for what `judge` throws.
 */
export function findPath<T extends object>(question: PathQuestion<T>): T | Refusal {
  return new PathSearch(question).answer()
}
