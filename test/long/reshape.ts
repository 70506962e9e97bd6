import { type DerElement, DerError, readSingle, TAG } from '../../src/pki/der/der.ts'
import { element } from '../../src/pki/der/der-writer.ts'
import { distort, mutate } from '../pki/mutations.ts'

type Random = (below: number) => number

const CONSTRUCTED = 0x20

/** What an OCTET STRING wraps, an extension say. */
function wrapped({ tag, content }: DerElement): DerElement | undefined {
  if (tag !== TAG.octetString || content[0] !== TAG.sequence) return undefined
  try {
    return readSingle(content, TAG.sequence)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function childrenOf(der: DerElement): DerElement[] {
  const children: DerElement[] = []
  for (const reader = der.reader(); !reader.done; ) children.push(reader.next())
  return children
}

/** Elements removed, repeated, exchanged, or of another type, and all lengths right again. */
function changed(parts: readonly Uint8Array[], random: Random): Uint8Array[] {
  const all = [...parts]
  const [at, other] = [random(all.length), random(all.length)]
  const [one = new Uint8Array(), two = new Uint8Array()] = [all[at], all[other]]
  const kind = random(4)
  if (kind === 0) all.splice(at, 1)
  else if (kind === 1) all.splice(other, 0, one)
  else if (kind === 2) [all[at], all[other]] = [two, one]
  else
    all[at] = Uint8Array.of([0x02, 0x04, 0x0c, 0x13, 0x16, 0x30, 0x31, 0xa0, 0x80][random(9)] ?? 0, ...one.subarray(1))
  return all
}

function edited(der: DerElement, random: Random): Uint8Array {
  const inner = wrapped(der)
  if (inner !== undefined) return element(der.tag, edited(inner, random))
  if ((der.tag & CONSTRUCTED) === 0) {
    const content = Buffer.from(der.content)
    return element(der.tag, content.length === 0 ? Uint8Array.of(0) : mutate(content, [content], random))
  }
  const children = childrenOf(der)
  const parts = children.map(({ raw }) => raw)
  const at = random(children.length)
  const child = children[at]
  if (child === undefined) return element(der.tag)
  if (random(4) === 0) return element(der.tag, ...changed(parts, random))
  parts[at] = edited(child, random)
  return element(der.tag, ...parts)
}

/** One change somewhere in the tree of this DER: all around it stays readable. */
function reshape(der: Uint8Array, random: Random): Buffer {
  return Buffer.from(edited(readSingle(der, TAG.sequence), random))
}

/** Changes of any kind; most of them leave something to read. */
export function spoil(der: Uint8Array, others: readonly Buffer[], random: Random): Buffer {
  const octets = Buffer.from(der)
  const kind = random(6)
  if (kind === 0) return mutate(octets, others, random)
  if (kind === 1) return distort(octets, others, random)
  return reshape(octets, random)
}

/** The part of a certificate, or of a request, that is signed. */
export function signedPart(der: Uint8Array): Buffer {
  return Buffer.from(readSingle(der, TAG.sequence).reader().next().raw)
}
