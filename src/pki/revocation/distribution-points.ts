import { contextTag, type DerElement, DerError, type DerReader, readSingle, TAG } from '../der/der.ts'
import { element, sequence } from '../der/der-writer.ts'
import { formatName, readName } from '../x509/distinguished-name.ts'
import { nameKey } from '../x509/name-key.ts'

const DIRECTORY_NAME = contextTag(4, 'constructed')
const URI = contextTag(6, 'primitive')

/** ReasonFlags (RFC 5280 §4.2.1.13) as a number, bit 1 being keyCompromise; bit 0 is not used. */
export type ReasonFlags = number

/** Every reason there is, keyCompromise to aACompromise. */
export const ALL_REASONS: ReasonFlags = 0b1_1111_1110

/** The name of a distribution point. */
interface PointName {
  /** A text that the same name always has, to compare (RFC 5280 §7). */
  readonly key: string
  /** For people. */
  readonly text: string
}

/** Where a certificate says that its revocation is published (RFC 5280 §4.2.1.13). */
export interface DistributionPoint {
  /** Keys of its names; undefined where it is left out. */
  readonly names: readonly string[] | undefined
  readonly reasons: ReasonFlags
  /** Keys of the names of other CAs that publish it, see {@link nameKey}; empty: the issuer of the certificate does. */
  readonly crlIssuers: readonly string[]
}

/** What a CRL is about, by its issuingDistributionPoint (RFC 5280 §5.2.5); without one it is about everything. */
export interface CrlScope {
  /** Undefined: of no distribution point in particular. */
  readonly names: readonly PointName[] | undefined
  readonly only: 'user' | 'CA' | 'attribute' | undefined
  readonly reasons: ReasonFlags
  /** Whether it may list certificates of other CAs. */
  readonly indirect: boolean
}

/** The scope of a list without issuingDistributionPoint. */
export const WHOLE_SCOPE: CrlScope = { names: undefined, only: undefined, reasons: ALL_REASONS, indirect: false }

/** RFC 5280 §7.4: scheme and host of a URI have no case, the rest has. */
function uriKey(uri: string): string {
  return `uri:${uri.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, (start) => start.toLowerCase())}`
}

function directoryName(name: DerElement): PointName {
  return { key: `dn:${nameKey(name)}`, text: formatName(readName(name)) }
}

function generalName(name: DerElement): PointName {
  if (name.tag === DIRECTORY_NAME) return directoryName(readSingle(name.content, TAG.sequence))
  const text = name.latin1()
  return { key: name.tag === URI ? uriKey(text) : `${name.tag}:${name.hex()}`, text }
}

/** GeneralNames without its own tag. @throws DerError */
function generalNames(reader: DerReader): PointName[] {
  const names: PointName[] = []
  while (!reader.done) names.push(generalName(reader.next()))
  return names
}

/** A name that is relative to that of the CA as a whole one (RFC 5280 §4.2.1.13). */
function belowName(issuer: Uint8Array, relative: DerElement): PointName {
  const { content } = readSingle(issuer, TAG.sequence)
  return directoryName(readSingle(sequence(content, element(TAG.set, relative.content)), TAG.sequence))
}

/** @param issuer DER of the name of the CA that publishes it */
function pointNames(choice: DerElement, issuer: Uint8Array): PointName[] {
  const reader = choice.reader()
  const name = reader.next()
  reader.finish()
  if (name.tag === contextTag(0, 'constructed')) return generalNames(name.reader())
  if (name.tag === contextTag(1, 'constructed')) return [belowName(issuer, name)]
  throw new DerError('bad distribution point name')
}

/** BIT STRING without its own tag. */
function reasonFlags(bits: DerElement | undefined): ReasonFlags {
  if (bits === undefined) return ALL_REASONS
  const at = (bit: number) => ((bits.at(1 + (bit >> 3)) ?? 0) & (0x80 >> (bit & 7))) !== 0
  let flags = 0
  for (let bit = 1; bit <= 8; bit += 1) if (at(bit)) flags |= 1 << bit
  return flags
}

/** The names of CAs in GeneralNames, see {@link nameKey}. @throws DerError */
export function directoryNameKeys(names: DerReader): string[] {
  const keys: string[] = []
  while (!names.done) {
    const name = names.next()
    if (name.tag === DIRECTORY_NAME) keys.push(nameKey(readSingle(name.content, TAG.sequence)))
  }
  return keys
}

function readPoint(reader: DerReader, issuer: Uint8Array): DistributionPoint {
  const choice = reader.readOptional(contextTag(0, 'constructed'))
  const reasons = reader.readOptional(contextTag(1, 'primitive'))
  const others = reader.readOptional(contextTag(2, 'constructed'))
  reader.finish()
  // What a relative name begins with is a directoryName, of which there is one then (RFC 5280 §4.2.1.13).
  const first = others?.reader().readOptional(DIRECTORY_NAME)?.content
  return {
    names: choice && pointNames(choice, first ?? issuer).map(({ key }) => key),
    reasons: reasonFlags(reasons),
    crlIssuers: others === undefined ? [] : directoryNameKeys(others.reader()),
  }
}

/**
 * The value of a cRLDistributionPoints extension (RFC 5280 §4.2.1.13).
 * @param issuer DER of the name of the issuer of the certificate
 * @throws DerError
 */
export function readDistributionPoints(value: Uint8Array, issuer: Uint8Array): DistributionPoint[] {
  const list = readSingle(value, TAG.sequence).reader()
  const points: DistributionPoint[] = []
  while (!list.done) points.push(readPoint(list.read(TAG.sequence).reader(), issuer))
  return points
}

/**
 * What is assumed for every certificate: lists of its issuer that no distribution point names, or that are named after the
 * issuer itself (RFC 5280 §6.3.3, after step l).
 * @param name of the issuer, see {@link nameKey}
 */
export function impliedPoint(name: string): DistributionPoint {
  return { names: [`dn:${name}`], reasons: ALL_REASONS, crlIssuers: [] }
}

function flag(reader: DerReader, number: number): boolean {
  const found = reader.readOptional(contextTag(number, 'primitive'))
  return found !== undefined && found.at(0) !== 0
}

/**
 * The value of an issuingDistributionPoint extension (RFC 5280 §5.2.5).
 * @param issuer DER of the name of the CA that has signed the list
 * @throws DerError
 */
export function readIssuingDistributionPoint(value: Uint8Array, issuer: Uint8Array): CrlScope {
  const reader = readSingle(value, TAG.sequence).reader()
  const choice = reader.readOptional(contextTag(0, 'constructed'))
  const [user, ca] = [flag(reader, 1), flag(reader, 2)]
  const reasons = reader.readOptional(contextTag(3, 'primitive'))
  const [indirect, attribute] = [flag(reader, 4), flag(reader, 5)]
  reader.finish()
  if ([user, ca, attribute].filter(Boolean).length > 1) throw new DerError('contradictory scope')
  return {
    names: choice && pointNames(choice, issuer),
    only: user ? 'user' : ca ? 'CA' : attribute ? 'attribute' : undefined,
    reasons: reasonFlags(reasons),
    indirect,
  }
}
