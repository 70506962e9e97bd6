import { XmppkiError } from '../errors.ts'
import { authorityId } from '../pki/x509/authority-id.ts'
import type { CertificateId } from '../store/certificate-id.ts'
import type { CaCertificate } from './ca-certificate.ts'
import type { Refusal } from './refusal.ts'
import type { RevocationGap, RevocationLists } from './revocation-lists.ts'
import type { SignedCertificate } from './signed-certificate.ts'

/** What CAs have in their books. */
export interface RevocationBook {
  /** When it was revoked, in milliseconds; undefined when it was not, or is not known. @throws XmppkiError */
  revokedAt(certificate: CertificateId): number | undefined
}

/** What CRLs are good for. */
export interface RevocationRules {
  readonly lists: RevocationLists
  /** What a missing or stale list does: a warning in the log (`soft`), or no login (`hard`; RFC 5280 §6.3.3). */
  readonly mode: 'soft' | 'hard'
}

interface Sources {
  readonly book?: RevocationBook | undefined
  readonly revocation?: RevocationRules | undefined
}

/** Of a certificate and of the CAs above it that somebody could revoke. */
export type PathIds = readonly [leaf: CertificateId, ...authorities: CertificateId[]]

/** A path, and what may be revoked of it. */
interface RevocablePath {
  readonly path: readonly CaCertificate[]
  readonly ids: PathIds
}

/** A certificate and the CA that signed it. */
type Pair = readonly [certificate: SignedCertificate, issuer: CaCertificate]

function pairsOf(leaf: SignedCertificate, path: readonly CaCertificate[]): Pair[] {
  const below = [leaf, ...path.map(({ certificate }) => certificate)]
  return path.flatMap((issuer, index) => {
    const certificate = below[index]
    return certificate === undefined ? [] : [[certificate, issuer] as const]
  })
}

/** Every certificate of a path that can be revoked: the leaf and the CAs below the top. */
export function idsOf(leaf: SignedCertificate, path: readonly CaCertificate[]): PathIds {
  const [first, ...others] = pairsOf(leaf, path).map(([{ serial }, { id, certificate }]) => ({
    authority: id,
    issuer: certificate.serial,
    serial,
  }))
  // One that is good because its own key has signed it is its own CA.
  const own = () => ({ authority: authorityId(leaf.raw), issuer: leaf.serial, serial: leaf.serial })
  return [first ?? own(), ...others]
}

/**
 * Whether the leaf or a CA of its path is revoked: by the book, then by the lists. Listed means revoked, in every mode.
 * @returns the CAs of which it is not known what they have revoked
 */
export function revocationOf(
  leaf: SignedCertificate,
  { path, ids }: RevocablePath,
  { book, revocation }: Sources,
  now: Date,
): readonly RevocationGap[] | Refusal {
  const booked = book && inBook(book, ids)
  return booked ?? (revocation === undefined ? [] : onLists(revocation, leaf, path, now))
}

function revoked(serial: string, isLeaf: boolean, at: Date): Refusal {
  const what = isLeaf ? 'revoked' : `its CA ${serial} was revoked`
  return { check: 'revoked', reason: `${what} on ${at.toISOString()}` }
}

function inBook(book: RevocationBook, ids: PathIds): Refusal | undefined {
  try {
    for (const id of ids) {
      const at = book.revokedAt(id)
      if (at !== undefined) return revoked(id.serial, id === ids[0], new Date(at))
    }
    return undefined
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    return { check: 'no-ledger', reason: `it is not known what is revoked: ${error.message}` }
  }
}

function onLists(
  { lists, mode }: RevocationRules,
  leaf: SignedCertificate,
  path: readonly CaCertificate[],
  now: Date,
): readonly RevocationGap[] | Refusal {
  const gaps: RevocationGap[] = []
  for (const [certificate, issuer] of pairsOf(leaf, path)) {
    const answer = lists.statusOf(certificate, issuer, now)
    if (answer.kind === 'revoked') return revoked(certificate.serial, certificate === leaf, answer.revokedAt)
    if (answer.kind === 'unknown') gaps.push({ issuer: issuer.facts.subject, reason: answer.reason })
  }
  const [gap] = gaps
  if (mode === 'soft' || gap === undefined) return gaps
  return { check: 'crl-unknown', reason: `of its CA ${gap.issuer} it is not known what is revoked: ${gap.reason}` }
}
