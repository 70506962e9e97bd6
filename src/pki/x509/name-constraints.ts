import { contextTag, type DerElement, DerError, type DerReader, readSingle, TAG } from '../der/der.ts'
import { isHostName } from './domain.ts'
import { type GeneralName, readGeneralName } from './general-name.ts'

/** The bases of subtrees, by kinds of names. */
export interface Subtrees {
  /** Lower case, as are the hosts of the next two. */
  readonly dnsNames: readonly string[]
  /** Hosts, hosts with a leading dot, or mailboxes. */
  readonly emails: readonly string[]
  /** Hosts, also with a leading dot. */
  readonly uris: readonly string[]
  /** An address and a mask each. */
  readonly addresses: readonly Uint8Array[]
  /** A text for each relative name, as {@link relativeNameKeys} has them. */
  readonly directoryNames: readonly (readonly string[])[]
  /** Forms of names whose constraints are not understood here, as {@link GeneralName} has them. */
  readonly otherForms: readonly string[]
}

/** What a CA may name in the certificates below it (RFC 5280 §4.2.1.10). */
export interface NameConstraints {
  readonly permitted: Subtrees
  readonly excluded: Subtrees
}

/** Lists that can still grow. */
type Growing = { readonly [Kind in keyof Subtrees]: Subtrees[Kind][number][] }

const MINIMUM = contextTag(0, 'primitive')

function noSubtrees(): Growing {
  return { dnsNames: [], emails: [], uris: [], addresses: [], directoryNames: [], otherForms: [] }
}

/** A host, the hosts below one after a leading dot, or everything; what no name could lie in is refused. */
function hostBase(kind: string, text: string): string {
  const base = text.toLowerCase()
  if (base === '' || isHostName(base.startsWith('.') ? base.slice(1) : base)) return base
  throw new DerError(`bad ${kind} constraint`)
}

/** The localpart of a mailbox stays as it is (RFC 5280 §7.5). */
function mailBase(text: string): string {
  const at = text.lastIndexOf('@') + 1
  const [local, host] = [text.slice(0, at), hostBase('rfc822Name', text.slice(at))]
  if (at === 0 || (/^[^\s"@]+@$/.test(local) && isHostName(host))) return local + host
  throw new DerError('bad rfc822Name constraint')
}

function addBase(base: GeneralName, subtrees: Growing): void {
  switch (base.kind) {
    case 'dNSName':
      subtrees.dnsNames.push(hostBase(base.kind, base.text))
      return
    case 'rfc822Name':
      subtrees.emails.push(mailBase(base.text))
      return
    case 'uniformResourceIdentifier':
      subtrees.uris.push(hostBase(base.kind, base.text))
      return
    case 'iPAddress':
      if (base.octets.length !== 8 && base.octets.length !== 32) throw new DerError('bad iPAddress constraint')
      subtrees.addresses.push(base.octets)
      return
    case 'directoryName':
      subtrees.directoryNames.push(base.keys)
      return
    case 'other':
      subtrees.otherForms.push(base.form)
  }
}

/** The base of a GeneralSubtree. RFC 5280 §4.2.1.10: the minimum is 0, and there is no maximum. */
function readBase(subtree: DerElement): GeneralName {
  const parts = subtree.reader()
  const base = readGeneralName(parts.next())
  const minimum = parts.readOptional(MINIMUM)
  if (minimum !== undefined && (minimum.length !== 1 || minimum.at(0) !== 0)) {
    throw new DerError('name constraint with a minimum')
  }
  if (!parts.done) throw new DerError('name constraint with a maximum')
  return base
}

function readSubtrees(constraints: DerReader, number: number): Subtrees | undefined {
  const list = constraints.readOptional(contextTag(number, 'constructed'))?.reader()
  if (list === undefined) return undefined
  if (list.done) throw new DerError('empty list of name constraints')
  const subtrees = noSubtrees()
  while (!list.done) addBase(readBase(list.read(TAG.sequence)), subtrees)
  return subtrees
}

/**
 * The value of a nameConstraints extension (RFC 5280 §4.2.1.10).
 * @throws DerError for anything else, for bases that no name could lie in, and for minimum and maximum, which RFC 5280
 *   does not allow
 */
export function readNameConstraints(extensionValue: Uint8Array): NameConstraints {
  const reader = readSingle(extensionValue, TAG.sequence).reader()
  const permitted = readSubtrees(reader, 0)
  const excluded = readSubtrees(reader, 1)
  reader.finish()
  if (permitted === undefined && excluded === undefined) throw new DerError('empty name constraints')
  return { permitted: permitted ?? noSubtrees(), excluded: excluded ?? noSubtrees() }
}
