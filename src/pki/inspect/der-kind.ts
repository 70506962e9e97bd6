import { contextTag, DerError, readSingle, TAG } from '../der/der.ts'

/** What can be told apart by the outermost layers of its DER. */
export type DerKind =
  | 'certificate'
  | 'request'
  | 'crl'
  | 'pkcs12'
  | 'pkcs8'
  | 'pkcs1'
  | 'sec1'
  | 'encrypted-key'
  | 'spki'

const EXPLICIT = contextTag(0, 'constructed')

/** More elements than the top layer of anything known here. */
const ENOUGH = 10

function tagsOf(content: Uint8Array): readonly number[] {
  const reader = readSingle(content, TAG.sequence).reader()
  const tags: number[] = []
  while (!reader.done && tags.length < ENOUGH) tags.push(reader.next().tag)
  return tags
}

/** SEQUENCE { tbs, algorithm, signature }: three things are signed in this frame. */
function kindOfSigned(der: Uint8Array): DerKind {
  const tags = tagsOf(readSingle(der, TAG.sequence).reader().next().raw)
  // Only a CRL has times at this level; certificates keep theirs in a Validity.
  if (tags.includes(TAG.utcTime) || tags.includes(TAG.generalizedTime)) return 'crl'
  // RFC 2986 §4.1: version, subject, key, attributes. Certificates have four sequences or more.
  const sequences = tags.filter((tag) => tag === TAG.sequence).length
  return tags[0] === TAG.integer && sequences <= 2 ? 'request' : 'certificate'
}

/** SEQUENCE { INTEGER, … }: keys and bundles. */
function kindOfVersioned(tags: readonly number[], content: Uint8Array): DerKind | undefined {
  if (tags[1] === TAG.integer) return 'pkcs1'
  if (tags[1] === TAG.octetString) return 'sec1'
  if (tags[1] !== TAG.sequence) return undefined
  if (tags[2] === TAG.octetString) return 'pkcs8'
  const info = readSingle(content, TAG.sequence).reader()
  info.next()
  const [type, wrapper] = tagsOf(info.next().raw)
  return type === TAG.oid && wrapper === EXPLICIT ? 'pkcs12' : undefined
}

function kindOf(der: Uint8Array): DerKind | undefined {
  const tags = tagsOf(der)
  if (tags[0] === TAG.integer) return kindOfVersioned(tags, der)
  if (tags[0] !== TAG.sequence) return undefined
  if (tags[1] === TAG.sequence) return tags[2] === TAG.bitString ? kindOfSigned(der) : undefined
  if (tags[1] === TAG.octetString) return 'encrypted-key'
  return tags[1] === TAG.bitString ? 'spki' : undefined
}

/** What this DER is, judged by its form alone; undefined for anything else, or when it is not DER. */
export function kindOfDer(der: Uint8Array): DerKind | undefined {
  try {
    return kindOf(der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return undefined
  }
}
