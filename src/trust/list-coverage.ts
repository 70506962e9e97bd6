import { DerError } from '../pki/der/der.ts'
import { OID } from '../pki/der/oids.ts'
import {
  ALL_REASONS,
  type CrlScope,
  type DistributionPoint,
  impliedPoint,
  type ReasonFlags,
  readDistributionPoints,
} from '../pki/revocation/distribution-points.ts'
import type { CertificateFacts } from '../pki/x509/certificate.ts'
import type { RawCertificate } from '../pki/x509/certificate-der.ts'
import type { CaCertificate } from './ca-certificate.ts'
import type { Listed } from './list-group.ts'
import type { LoadedList } from './loaded-list.ts'

/** A certificate to be looked up; its distribution points are only read where these matter. */
export interface ListedCertificate {
  readonly serial: string
  readonly facts: Pick<CertificateFacts, 'isCa'>
  readonly raw: Pick<RawCertificate, 'extensions' | 'issuer'>
}

/** Which certificate lists are asked about. */
export interface Question extends Listed {
  readonly authority: CaCertificate
  readonly isCa: boolean
  /** Where its revocation is published: by what it says itself, and by what holds for every certificate. */
  readonly points: () => readonly DistributionPoint[]
}

/** Two's complement in its shortest form. @param serial as `serial` of `CertificateFacts` */
function serialOctets(serial: string): Uint8Array {
  const isNegative = serial.startsWith('-')
  const magnitude = Buffer.from(isNegative ? serial.slice(1) : serial, 'hex')
  if (!isNegative) return (magnitude[0] ?? 0) < 0x80 ? magnitude : Buffer.concat([Uint8Array.of(0), magnitude])
  const bits = BigInt(magnitude.length * 8)
  const value = BigInt(`0x${magnitude.toString('hex')}`)
  // -80 fits one octet, -81 needs a second one for its sign.
  const width = value <= 1n << (bits - 1n) ? bits : bits + 8n
  const octets = ((1n << width) - value).toString(16)
  return Buffer.from(octets.padStart(Number(width / 4n), '0'), 'hex')
}

function pointsOf(
  { extensions, issuer }: ListedCertificate['raw'],
  authority: CaCertificate,
): readonly DistributionPoint[] {
  const implied = impliedPoint(authority.name)
  try {
    const value = extensions.find(({ oid }) => oid === OID.cRLDistributionPoints)?.value
    return value === undefined ? [implied] : [...readDistributionPoints(value, issuer.raw), implied]
  } catch (error) {
    // What cannot be read names no point, so lists of one do not cover it.
    if (error instanceof DerError) return [implied]
    throw error
  }
}

/** A question about a certificate that this CA has issued. */
export function question({ serial, facts, raw }: ListedCertificate, authority: CaCertificate): Question {
  let points: readonly DistributionPoint[] | undefined
  return {
    serial: serialOctets(serial),
    issuer: authority.name,
    authority,
    isCa: facts.isCa,
    points: () => {
      points ??= pointsOf(raw, authority)
      return points
    },
  }
}

/** RFC 5280 §6.3.3 (b) (1) and (2) (i). */
function isOfPoint({ scope, issuerKey }: LoadedList['crl'], { names, crlIssuers }: DistributionPoint, issuer: string) {
  const isPublisher = crlIssuers.length === 0 ? issuerKey === issuer : scope.indirect && crlIssuers.includes(issuerKey)
  if (!isPublisher) return false
  if (scope.names === undefined) return true
  // Where the point has no name of its own, the names of those who publish it count.
  const wanted = names ?? crlIssuers.map((name) => `dn:${name}`)
  return scope.names.some(({ key }) => wanted.includes(key))
}

/** RFC 5280 §6.3.3 (b) (2) (ii) to (iv). */
function isOfKind({ only }: CrlScope, isCa: boolean): boolean {
  return only === undefined || only === (isCa ? 'CA' : 'user')
}

/**
 * For which reasons a complete list would name this certificate if it were revoked (RFC 5280 §6.3.3 b and d), 0 where it
 * is not about it.
 * @param asked undefined: any certificate of a user, wherever its revocation is published
 */
export function reasonsCovered({ crl }: LoadedList, asked: Question | undefined): ReasonFlags {
  const { scope, issuerKey } = crl
  if (!isOfKind(scope, asked?.isCa ?? false)) return 0
  // The point that is implied for every certificate has no other name than that of the issuer.
  if (asked === undefined || (scope.names === undefined && issuerKey === asked.issuer))
    return scope.reasons & ALL_REASONS
  let reasons = 0
  for (const point of asked.points()) {
    if (isOfPoint(crl, point, asked.issuer)) reasons |= scope.reasons & point.reasons
  }
  return reasons
}

/** Why a list is not about it, to complete a log line. */
export function scopeProblem({ crl: { scope } }: LoadedList, asked: Question | undefined): string {
  if (!isOfKind(scope, asked?.isCa ?? false)) return `its CRL covers ${scope.only} certificates only`
  const [name] = scope.names ?? []
  return name === undefined ? 'its CRL is of other reasons' : `its CRL is of another distribution point, ${name.text}`
}
