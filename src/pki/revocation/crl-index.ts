import { randomBytes } from 'node:crypto'
import { Slices } from '../der/slices.ts'
import { type CrlEntry, EntryCursor } from './crl-entries.ts'

/** Of some four ordinary entries: few to look through, and few buckets to be counted at once. */
const BUCKET_OCTETS = 160

/** Entries between two looks at the clock. */
const BETWEEN_LOOKS = 512

/** More object identifiers are not kept of what is not understood. */
const MAX_UNKNOWN = 8

/** Which numbers collide is nobody's to know. */
const SEED = randomBytes(4).readUInt32LE()

/** FNV-1a */
function hashOf(octets: Uint8Array, start: number, end: number): number {
  let hash = SEED
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (octets[at] ?? 0), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** From where on entries are about another CA (RFC 5280 §5.3.3). */
interface Turn {
  readonly start: number
  readonly issuers: readonly string[]
}

/** What is odd about the entries as a whole. */
interface Oddities {
  readonly unknownCritical: ReadonlySet<string>
  /** Entries of which something cannot be read. */
  readonly damaged: number
}

/** The entries of a CRL, to be searched by serial number. It takes four octets an entry beside those of the list itself. */
export class CrlIndex implements Oddities {
  /** How many there are. */
  readonly count: number
  readonly unknownCritical: ReadonlySet<string>
  readonly damaged: number
  readonly #octets: Uint8Array
  /** Where the entries begin, bucket by bucket. */
  readonly #starts: Uint32Array
  /** Where in `starts` each bucket begins, and the end. */
  readonly #buckets: Uint32Array
  readonly #turns: readonly Turn[]

  constructor(
    octets: Uint8Array,
    table: { readonly starts: Uint32Array; readonly buckets: Uint32Array; readonly turns: readonly Turn[] },
    { unknownCritical, damaged }: Oddities,
  ) {
    this.#octets = octets
    this.#starts = table.starts
    this.#buckets = table.buckets
    this.#turns = table.turns
    this.count = table.starts.length
    this.unknownCritical = unknownCritical
    this.damaged = damaged
  }

  /**
   * The first entry with this serial number that is about this CA.
   * @param serial two's complement in its shortest form
   * @param issuer its name, see `nameKey`
   * @param own name of the CA of the list
   */
  find(serial: Uint8Array, issuer: string, own: string): CrlEntry | undefined {
    const bucket = hashOf(serial, 0, serial.length) & (this.#buckets.length - 2)
    const end = this.#buckets[bucket + 1] ?? 0
    for (let at = this.#buckets[bucket] ?? 0; at < end; at += 1) {
      const cursor = new EntryCursor(this.#octets, this.#starts[at])
      if (!cursor.next() || !this.#hasSerial(cursor, serial)) continue
      const entry = cursor.read()
      const about = entry.issuers ?? this.#issuersAt(cursor.start)
      if (about === undefined ? issuer === own : about.includes(issuer)) return entry
    }
    return undefined
  }

  #hasSerial({ serialStart, serialEnd }: EntryCursor, serial: Uint8Array): boolean {
    if (serialEnd - serialStart !== serial.length) return false
    for (let at = 0; at < serial.length; at += 1) if (this.#octets[serialStart + at] !== serial[at]) return false
    return true
  }

  /** What the last entry before it that says so says. */
  #issuersAt(start: number): readonly string[] | undefined {
    let [low, high] = [0, this.#turns.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#turns[middle]?.start ?? 0) <= start) low = middle + 1
      else high = middle
    }
    return this.#turns[low - 1]?.issuers
  }
}

/** First walk: how many entries each bucket gets, and what is odd. */
class Survey implements Oddities {
  readonly counts: Uint32Array
  readonly unknownCritical = new Set<string>()
  readonly turns: Turn[] = []
  damaged = 0
  readonly #indirect: boolean

  constructor(buckets: number, indirect: boolean) {
    this.counts = new Uint32Array(buckets)
    this.#indirect = indirect
  }

  note(cursor: EntryCursor, octets: Uint8Array): void {
    const bucket = hashOf(octets, cursor.serialStart, cursor.serialEnd) & (this.counts.length - 1)
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    if (cursor.isPlain) return
    const { isDamaged, unknownCritical, issuers } = cursor.read()
    if (isDamaged) this.damaged += 1
    for (const id of unknownCritical) if (this.unknownCritical.size < MAX_UNKNOWN) this.unknownCritical.add(id)
    // RFC 5280 §5.3.3: only in an indirect list does an entry speak for those behind it.
    if (this.#indirect && issuers !== undefined) this.turns.push({ start: cursor.start, issuers })
  }
}

async function walk(octets: Uint8Array, visit: (cursor: EntryCursor) => void): Promise<EntryCursor> {
  const [cursor, slices] = [new EntryCursor(octets), new Slices()]
  for (let count = 1; cursor.next(); count += 1) {
    visit(cursor)
    if (count % BETWEEN_LOOKS === 0 && slices.isDue) await slices.rest()
  }
  return cursor
}

/** At least 1, a power of two. */
function bucketsFor(octets: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, octets / BUCKET_OCTETS)))
}

/**
 * Indexes the entries of a CRL in slices, linear in their number.
 * @param octets the content of revokedCertificates
 * @param indirect whether an entry may speak for those behind it (RFC 5280 §5.2.5)
 */
export async function indexEntries(octets: Uint8Array, indirect: boolean): Promise<CrlIndex> {
  const survey = new Survey(bucketsFor(octets.length), indirect)
  const { unreadable } = await walk(octets, (cursor) => survey.note(cursor, octets))
  const { counts, turns } = survey
  const buckets = new Uint32Array(counts.length + 1)
  for (let at = 0; at < counts.length; at += 1) buckets[at + 1] = (buckets[at] ?? 0) + (counts[at] ?? 0)
  const starts = new Uint32Array(buckets[counts.length] ?? 0)
  const next = buckets.slice()
  await walk(octets, ({ serialStart, serialEnd, start }) => {
    const bucket = hashOf(octets, serialStart, serialEnd) & (counts.length - 1)
    const place = next[bucket] ?? 0
    starts[place] = start
    next[bucket] = place + 1
  })
  const damaged = survey.damaged + unreadable
  return new CrlIndex(octets, { starts, buckets, turns }, { unknownCritical: survey.unknownCritical, damaged })
}
