import { XmppkiError } from '../../errors.ts'
import { contextTag, type DerElement, DerError, type DerReader, readInteger, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { readSignedStructure, type SignedStructure } from '../keys/signature.ts'
import { type RawExtension, readExtension } from '../x509/certificate-der.ts'
import { formatName, readName } from '../x509/distinguished-name.ts'
import { nameKey } from '../x509/name-key.ts'
import { type CrlScope, readIssuingDistributionPoint, WHOLE_SCOPE } from './distribution-points.ts'
import { readLooseTime } from './loose-time.ts'

/** What a CRL says of itself; its entries are not looked at. */
export interface CrlHeader {
  /** 1 or 2. */
  readonly version: number
  /** For logs and people (RFC 4514, escaped); never parse it. */
  readonly issuer: string
  /** To compare with the name of a CA: see {@link nameKey}. */
  readonly issuerKey: string
  /** Undefined in CRLs without one, which a conforming CA does not make (RFC 5280 §5.2.3). */
  readonly number: bigint | undefined
  /** The beginning of time where it cannot be read. */
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  readonly scope: CrlScope
  /** Equal for lists of one scope: DER of the issuingDistributionPoint in hexadecimal, or empty. */
  readonly scopeKey: string
  /** The list that a delta CRL continues (RFC 5280 §5.2.4); undefined in complete ones. */
  readonly delta: { readonly baseNumber: bigint | undefined } | undefined
  /** Critical extensions of the list itself that are not understood (RFC 5280 §5.2). */
  readonly unknownCritical: readonly string[]
  /** What of it cannot be read, in words that follow "its CRL has". */
  readonly faults: readonly string[]
  /** Content of revokedCertificates. */
  readonly entries: Uint8Array
  readonly signed: SignedStructure
}

const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  OID.authorityKeyIdentifier,
  OID.issuerAltName,
  OID.cRLNumber,
  OID.deltaCRLIndicator,
  OID.issuingDistributionPoint,
  OID.freshestCRL,
  OID.authorityInfoAccess,
])

/** RFC 5280 §5.2.3: 20 octets; some write more. */
const MAX_NUMBER_OCTETS = 64

/** Reads what may be odd without making the rest unreadable. */
class Lenient {
  readonly faults: string[] = []

  /** Undefined, and a fault of that name, for what is not the DER that was expected. */
  read<T>(name: string, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof DerError)) throw error
      this.faults.push(`${name} that cannot be read`)
      return undefined
    }
  }
}

function readVersion(tbs: DerReader): number {
  const version = tbs.readOptional(TAG.integer)
  if (version === undefined) return 1
  // RFC 5280 §5.1.2.1: when it is there it is v2.
  if (Buffer.compare(readInteger(version), Uint8Array.of(1)) !== 0) throw new DerError('unknown CRL version')
  return 2
}

function readNumber(value: Uint8Array): bigint {
  const octets = readInteger(readSingle(value, TAG.integer))
  if ((octets[0] ?? 0) >= 0x80 || octets.length > MAX_NUMBER_OCTETS) throw new DerError('CRL number out of range')
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`)
}

function readExtensions(wrapper: DerElement | undefined): RawExtension[] {
  if (wrapper === undefined) return []
  const extensions: RawExtension[] = []
  const reader = readSingle(wrapper.content, TAG.sequence).reader()
  while (!reader.done) extensions.push(readExtension(reader.read(TAG.sequence)))
  return extensions
}

type FromExtensions = Pick<CrlHeader, 'number' | 'scope' | 'scopeKey' | 'delta' | 'unknownCritical'>

function judgeExtensions(extensions: readonly RawExtension[], issuer: DerElement, lenient: Lenient): FromExtensions {
  const find = (id: string) => extensions.find(({ oid }) => oid === id)?.value
  const ids = extensions.map(({ oid }) => oid)
  if (new Set(ids).size < ids.length) lenient.faults.push('an extension twice')
  const number = find(OID.cRLNumber)
  const point = find(OID.issuingDistributionPoint)
  const base = find(OID.deltaCRLIndicator)
  const scope =
    point && lenient.read('an issuingDistributionPoint', () => readIssuingDistributionPoint(point, issuer.raw))
  return {
    number: number && lenient.read('a CRL number', () => readNumber(number)),
    scope: scope ?? WHOLE_SCOPE,
    scopeKey: point === undefined ? '' : Buffer.from(point).toString('hex'),
    delta: base && { baseNumber: lenient.read('a deltaCRLIndicator', () => readNumber(base)) },
    unknownCritical: extensions
      .filter(({ oid, critical }) => critical && !KNOWN_EXTENSIONS.has(oid))
      .map(({ oid }) => oid),
  }
}

function readHeader(der: Uint8Array): CrlHeader {
  const { body, ...signed } = readSignedStructure(readSingle(der, TAG.sequence))
  const tbs = body.reader()
  const lenient = new Lenient()
  const version = readVersion(tbs)
  if (Buffer.compare(tbs.read(TAG.sequence).raw, signed.algorithm.raw) !== 0)
    throw new DerError('the two signature algorithm fields differ')
  const issuer = tbs.read(TAG.sequence)
  const thisUpdate = tbs.next()
  const nextUpdate = tbs.readOptional(TAG.utcTime) ?? tbs.readOptional(TAG.generalizedTime)
  const revoked = tbs.readOptional(TAG.sequence)
  const wrapper = tbs.readOptional(contextTag(0, 'constructed'))
  tbs.finish()
  const extensions = lenient.read('extensions', () => readExtensions(wrapper)) ?? []
  return {
    version,
    issuer: formatName(readName(issuer)),
    issuerKey: nameKey(issuer),
    thisUpdate: lenient.read('a thisUpdate', () => readLooseTime(thisUpdate)) ?? new Date(0),
    nextUpdate: nextUpdate && lenient.read('a nextUpdate', () => readLooseTime(nextUpdate)),
    ...judgeExtensions(extensions, issuer, lenient),
    faults: lenient.faults,
    entries: revoked?.content ?? new Uint8Array(),
    signed,
  }
}

/**
 * Opens a CRL (RFC 5280 §5): in no time, however long it is. Whether it is signed is a question of its own.
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT for anything that is not exactly one CRL in DER
 */
export function openCrl(der: Uint8Array, source: string): CrlHeader {
  try {
    return readHeader(der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${source} is not a CRL: ${error.message}`, {
      spec: 'RFC 5280 §5.1',
      cause: error,
    })
  }
}
