import { type DerElement, DerError, readOid, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'

/** One AttributeTypeAndValue of a distinguished name (RFC 5280 §4.1.2.4). */
interface NameAttribute {
  /** Dotted object identifier. */
  readonly type: string
  /** The text, or undefined when the value is not a string or not a valid one. */
  readonly value: string | undefined
  /** DER of the value. */
  readonly raw: Uint8Array
}

/** A distinguished name: relative names in order, each of one or more attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[]

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeLatin1(element: DerElement): string {
  return element.latin1()
}

/** The text of octets that are all ASCII; undefined when one is not. */
export function decodeAscii(element: DerElement): string | undefined {
  const text = element.latin1()
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) >= 0x80) return undefined
  return text
}

function decodeUtf8(element: DerElement): string | undefined {
  // Nearly all names are ASCII, and TextDecoder costs more than all the rest of a certificate.
  const ascii = decodeAscii(element)
  if (ascii !== undefined) return ascii
  try {
    return utf8.decode(element.content)
  } catch {
    return undefined
  }
}

function decodeBmp({ content: octets }: DerElement): string | undefined {
  if (octets.length % 2 !== 0) return undefined
  const text = Buffer.from(octets).swap16().toString('utf16le')
  return text.isWellFormed() ? text : undefined
}

function decodeUniversal({ content: octets }: DerElement): string | undefined {
  if (octets.length % 4 !== 0) return undefined
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  let text = ''
  for (let at = 0; at < octets.length; at += 4) {
    const point = view.getUint32(at)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined
    text += String.fromCodePoint(point)
  }
  return text
}

/** How each ASN.1 string type becomes text (X.680 §41, RFC 5280 appendix A). */
const DECODERS: ReadonlyMap<number, (element: DerElement) => string | undefined> = new Map([
  [TAG.utf8String, decodeUtf8],
  [TAG.printableString, decodeAscii],
  [TAG.numericString, decodeAscii],
  [TAG.ia5String, decodeAscii],
  [TAG.visibleString, decodeAscii],
  // T.61 proper is used by nobody; every current implementation reads Latin-1 (RFC 5280 appendix B).
  [TAG.teletexString, decodeLatin1],
  [TAG.bmpString, decodeBmp],
  [TAG.universalString, decodeUniversal],
])

/** The text of an ASN.1 string, or undefined when it is not a string type or not valid in its type. */
export function decodeString(element: DerElement): string | undefined {
  return DECODERS.get(element.tag)?.(element)
}

/**
 * Reads a Name.
 * @throws DerError when it is not one
 */
export function readName(element: DerElement): DistinguishedName {
  const name: NameAttribute[][] = []
  const relativeNames = element.reader()
  while (!relativeNames.done) {
    const attributes: NameAttribute[] = []
    const set = relativeNames.read(TAG.set).reader()
    while (!set.done) {
      const pair = set.read(TAG.sequence).reader()
      const type = readOid(pair.next())
      const value = pair.next()
      pair.finish()
      attributes.push({ type, value: decodeString(value), raw: value.raw })
    }
    if (attributes.length === 0) throw new DerError('empty relative distinguished name')
    name.push(attributes)
  }
  return name
}

/** RFC 4514 §3, and the few others that people meet. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  [OID.commonName, 'CN'],
  [OID.organizationName, 'O'],
  [OID.userId, 'UID'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  [OID.emailAddress, 'emailAddress'],
])

/** A line of log must stay a line: control, format and separator characters are written as octets. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

function hexPairs(character: string): string {
  return [...Buffer.from(character)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('')
}

/** RFC 4514 §2.4 */
function escapeValue(value: string): string {
  if (/^(?:[\w@.-]+(?: [\w@.-]+)*)?$/.test(value)) return value
  return value
    .replace(/["+,;<>\\=]/g, '\\$&')
    .replace(/^[ #]|(?!^) $/g, '\\$&')
    .replace(UNPRINTABLE, hexPairs)
}

function formatAttribute({ type, value, raw }: NameAttribute): string {
  const text = value === undefined ? `#${Buffer.from(raw).toString('hex')}` : escapeValue(value)
  return `${SHORT_NAMES.get(type) ?? type}=${text}`
}

/** Characters of a printed name; no log line should be longer because a peer wanted it so. */
export const PRINT_LIMIT = 1024

/**
 * A name for logs and people, as RFC 4514 writes it (last relative name first), cut off after 1024
 * characters. Never parse it.
 */
export function formatName(name: DistinguishedName): string {
  const text = name
    .toReversed()
    .map((attributes) => attributes.map(formatAttribute).join('+'))
    .join(',')
  return text.length > PRINT_LIMIT ? `${text.slice(0, PRINT_LIMIT - 1)}…` : text
}
