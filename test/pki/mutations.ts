import { type DerElement, TAG } from '../../src/pki/der/der.ts'
import { octetString } from '../../src/pki/der/der-writer.ts'

/** Mulberry32: the same inputs in every run. */
export function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** One to three changes: an octet, a cut, a repeated stretch, or a piece of another input. */
export function mutate(input: Buffer, others: readonly Buffer[], random: (below: number) => number): Buffer {
  let octets = Buffer.from(input)
  for (let changes = 1 + random(3); changes > 0; changes -= 1) {
    const at = random(octets.length + 1)
    const other = others[random(others.length)] ?? input
    const piece = other.subarray(random(other.length), random(other.length))
    const kind = random(6)
    if (kind === 0) octets = octets.subarray(0, at)
    else if (kind === 1) octets = Buffer.concat([octets.subarray(0, at), piece, octets.subarray(at)])
    else if (kind === 2) octets = Buffer.concat([octets.subarray(0, at), octets.subarray(at + random(8))])
    else if (at < octets.length) octets[at] = kind === 3 ? (octets[at] ?? 0) ^ (1 << random(8)) : random(256)
  }
  return octets
}

/** More nesting than any stack has room for. */
const NESTED = Buffer.concat([Buffer.alloc(60_000, Uint8Array.of(0x30, 0x80)), Buffer.alloc(120_000)])

/** Lengths in long form that promise more than there is, and one that is not a length at all. */
const LENGTHS = ['8400000010', '847fffffff', '84ffffffff', '8800000000ffffffff', '80', 'ff', '8100'].map((hex) =>
  Buffer.from(hex, 'hex'),
)

/** Changes of structure: a wrong length, blocks twice or in another order, deep nesting, an envelope without end. */
export function distort(input: Buffer, others: readonly Buffer[], random: (below: number) => number): Buffer {
  const at = random(input.length + 1)
  const other = others[random(others.length)] ?? input
  const length = LENGTHS[random(LENGTHS.length)] ?? input
  const kinds: readonly (() => Buffer)[] = [
    // Behind something that looks like a tag.
    () => {
      const tag = input.findIndex((octet, index) => index >= at && [0x02, 0x03, 0x04, 0x30, 0x31, 0xa0].includes(octet))
      return Buffer.concat([input.subarray(0, tag + 1), length, input.subarray(tag + 2)])
    },
    () => Buffer.concat([input, input]),
    () => Buffer.concat([input, other]),
    () => Buffer.concat([other, input.subarray(at)]),
    () => Buffer.concat([input.subarray(0, at), NESTED.subarray(0, 2 * random(3000)), input.subarray(at)]),
    () => (random(20) === 0 ? Buffer.concat([NESTED, input]) : Buffer.concat([NESTED.subarray(0, 200), input])),
    () => Buffer.concat([Buffer.from('3080', 'hex'), input]),
    () => Buffer.concat([input, Buffer.alloc(random(4000), input.subarray(0, 1 + at))]),
  ]
  return kinds[random(kinds.length)]?.() ?? input
}

/** The same in BER as lengthy as can be: indefinite lengths, long octet strings in two pieces. */
export function toBer(der: DerElement): Buffer {
  const wrap = (tag: number, parts: readonly Uint8Array[]) =>
    Buffer.concat([Uint8Array.of(tag, 0x80), ...parts, Uint8Array.of(0, 0)])
  if (der.tag === TAG.octetString && der.content.length > 16) {
    return wrap(TAG.octetString | 0x20, [octetString(der.content.subarray(0, 9)), octetString(der.content.subarray(9))])
  }
  if ((der.tag & 0x20) === 0) return Buffer.from(der.raw)
  const children: Buffer[] = []
  for (const reader = der.reader(); !reader.done; ) children.push(toBer(reader.next()))
  return wrap(der.tag, children)
}
