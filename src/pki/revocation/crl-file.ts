import { XmppkiError } from '../../errors.ts'
import { DerError, DerReader, TAG } from '../der/der.ts'
import { Slices } from '../der/slices.ts'

/** Octets of a file with CRLs: lists of the largest public CAs have some 30 MB; in PEM a third more. */
export const MAX_CRL_BYTES = 134_217_728

const BEGIN = Buffer.from('-----BEGIN ')

/** RFC 7468 §6, and what older programs write. */
const LABELS = ['X509 CRL', 'CRL']

const SPACE = 64
const PADDING = 65
const NOT_BASE64 = 66

/** The value of each base64 character, or what else it is. */
const BASE64 = base64Table()

function base64Table(): Uint8Array {
  const table = new Uint8Array(256).fill(NOT_BASE64)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (const [value, character] of [...alphabet].entries()) table[character.charCodeAt(0)] = value
  for (const space of ' \t\r\n\v\f') table[space.charCodeAt(0)] = SPACE
  table['='.charCodeAt(0)] = PADDING
  return table
}

/** Octets of text between two looks at the clock. */
const BETWEEN_LOOKS = 65_536

/** What a file with CRLs holds. */
export interface CrlFile {
  /** DER of each, in order. */
  readonly ders: readonly Uint8Array[]
  /** What is wrong with the blocks that are left out. */
  readonly faults: readonly string[]
}

/** Does a part of the text at a time, and lets others have their turn in between. */
async function inParts(length: number, work: (from: number, to: number) => boolean): Promise<boolean> {
  const slices = new Slices()
  for (let from = 0; from < length; from += BETWEEN_LOOKS) {
    if (!work(from, Math.min(length, from + BETWEEN_LOOKS))) return false
    if (slices.isDue) await slices.rest()
  }
  return true
}

/** Base64 with white space in it (RFC 7468 §3). */
class Base64Reader {
  readonly #text: Uint8Array
  readonly #out: Buffer
  #bits = 0
  #count = 0
  #padding = 0
  #length = 0

  constructor(text: Uint8Array) {
    this.#text = text
    this.#out = Buffer.allocUnsafe(Math.ceil((text.length * 3) / 4) + 3)
  }

  /** False for what is not base64. */
  read(from: number, to: number): boolean {
    for (let at = from; at < to; at += 1) {
      const value = BASE64[this.#text[at] ?? 0] ?? NOT_BASE64
      if (value === SPACE) continue
      if (value === PADDING) this.#padding += 1
      else if (value === NOT_BASE64 || this.#padding > 0) return false
      this.#bits = (this.#bits << 6) | (value & 0x3f)
      this.#count += 1
      if (this.#count % 4 === 0) this.#write()
    }
    return true
  }

  /** What was read; undefined where it is cut off. */
  get octets(): Buffer | undefined {
    const isWhole = this.#count > 0 && this.#count % 4 === 0 && this.#padding <= 2
    return isWhole ? this.#out.subarray(0, this.#length - this.#padding) : undefined
  }

  #write(): void {
    this.#length = this.#out.writeUIntBE(this.#bits & 0xffffff, this.#length, 3)
    this.#bits = 0
  }
}

/** Undefined when it is not base64, or cut off. */
async function decodeBase64(text: Uint8Array): Promise<Buffer | undefined> {
  const reader = new Base64Reader(text)
  const isBase64 = await inParts(text.length, (from, to) => reader.read(from, to))
  return isBase64 ? reader.octets : undefined
}

/** Text in UTF-16, as PowerShell writes it, with an octet for each character: what matters of it is ASCII. */
async function narrow(octets: Buffer): Promise<Buffer> {
  const [first, second] = octets
  const isLittle = (first === 0xff && second === 0xfe) || (second === 0 && first !== 0)
  const isBig = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
  if (!isLittle && !isBig) return octets
  const out = Buffer.allocUnsafe(octets.length >> 1)
  const [high, low] = isLittle ? [1, 0] : [0, 1]
  await inParts(out.length, (from, to) => {
    for (let at = from; at < to; at += 1) out[at] = octets[2 * at + high] === 0 ? (octets[2 * at + low] ?? 0) : 0x3f
    return true
  })
  return out
}

interface Block {
  readonly label: string
  readonly body: Buffer
}

/** As `pemBlocks`, without making a text of it. */
function blocksOf(octets: Buffer): Block[] {
  const blocks: Block[] = []
  for (let at = octets.indexOf(BEGIN); at !== -1; at = octets.indexOf(BEGIN, at + BEGIN.length)) {
    const start = at + BEGIN.length
    const labelEnd = octets.indexOf('-----', start)
    if (labelEnd === -1) break
    // Labels are short; a longer one is none.
    if (labelEnd - start > 64) continue
    const label = octets.toString('latin1', start, labelEnd)
    const end = octets.indexOf(`-----END ${label}-----`, labelEnd + 5)
    if (end === -1) continue
    blocks.push({ label, body: octets.subarray(labelEnd + 5, end) })
    at = end - BEGIN.length
  }
  return blocks
}

/** One DER element and nothing behind it but white space, which some programs add. */
function trimmed(octets: Buffer): Buffer | undefined {
  try {
    const element = new DerReader(octets).read(TAG.sequence)
    const { length } = element.raw
    for (let at = length; at < octets.length; at += 1) if (BASE64[octets[at] ?? 0] !== SPACE) return undefined
    return octets.subarray(0, length)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function isCrl({ label }: Block): boolean {
  return LABELS.includes(label)
}

/** Whether a file in PEM holds a CRL, beside whatever else it holds. */
export function holdsCrl(octets: Buffer): boolean {
  return blocksOf(octets).some(isCrl)
}

function fault(source: string, what: string): XmppkiError {
  return new XmppkiError('BAD_INPUT', `${source} ${what}`, {
    hint: 'a CRL is read in DER, or in PEM between the lines -----BEGIN X509 CRL----- and -----END X509 CRL-----',
    spec: 'RFC 7468 §6',
  })
}

/**
 * The CRLs in a file: one in DER, or any number in PEM, as well in UTF-16 or without the lines around it. It is done in
 * slices, because lists may be large.
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT when there is none
 */
export async function readCrlFile(octets: Buffer, source: string): Promise<CrlFile> {
  const der = octets[0] === TAG.sequence ? trimmed(octets) : undefined
  if (der !== undefined) return { ders: [der], faults: [] }
  const text = await narrow(octets)
  if (!text.includes(BEGIN)) {
    if (octets[0] === TAG.sequence) throw fault(source, 'is not a CRL: it is cut off, or more follows')
    const bare = await decodeBase64(text)
    const only = bare && trimmed(bare)
    if (only === undefined) throw fault(source, 'holds no CRL')
    return { ders: [only], faults: [] }
  }
  const blocks = blocksOf(text).filter(isCrl)
  if (blocks.length === 0) throw fault(source, 'holds no CRL in PEM form')
  const ders: Uint8Array[] = []
  const faults: string[] = []
  for (const [index, { body }] of blocks.entries()) {
    const decoded = await decodeBase64(body)
    const only = decoded && trimmed(decoded)
    if (only !== undefined) ders.push(only)
    else faults.push(`CRL ${index + 1} in ${source} is damaged: it is not base64 of one DER element`)
  }
  return { ders, faults }
}
