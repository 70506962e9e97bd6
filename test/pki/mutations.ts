import { type DerElement, TAG } from '../../src/pki/der.ts'
import { octetString } from '../../src/pki/der-writer.ts'

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
