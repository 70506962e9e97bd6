import { contextTag, type DerElement, DerError, readOid, readSingle, TAG } from '../der/der.ts'
import { decodeAscii, formatName, readName } from './distinguished-name.ts'
import { relativeNameKeys } from './name-key.ts'

/** A GeneralName (RFC 5280 §4.2.1.6), as far as name constraints need to know it. */
export type GeneralName =
  | { readonly kind: 'dNSName' | 'rfc822Name' | 'uniformResourceIdentifier'; readonly text: string }
  | {
      readonly kind: 'directoryName'
      /** For logs and people. */
      readonly text: string
      /** One for each relative name, in order: see {@link relativeNameKeys}. */
      readonly keys: readonly string[]
    }
  | {
      readonly kind: 'iPAddress'
      /** An address, or in constraints an address and a mask. */
      readonly octets: Uint8Array
    }
  | {
      /** The rest; what it says is not read. */
      readonly kind: 'other'
      /** `x400Address`, `ediPartyName`, `registeredID`, or `otherName` and its object identifier. */
      readonly form: string
    }

const TEXT_KINDS = new Map([
  [contextTag(1, 'primitive'), 'rfc822Name'],
  [contextTag(2, 'primitive'), 'dNSName'],
  [contextTag(6, 'primitive'), 'uniformResourceIdentifier'],
] as const)

const OTHER_FORMS = new Map([
  [contextTag(3, 'constructed'), 'x400Address'],
  [contextTag(5, 'constructed'), 'ediPartyName'],
  [contextTag(8, 'primitive'), 'registeredID'],
])

const OTHER_NAME = contextTag(0, 'constructed')
const DIRECTORY_NAME = contextTag(4, 'constructed')
const IP_ADDRESS = contextTag(7, 'primitive')

/** A distinguished name as it is compared in constraints. @throws DerError */
export function directoryNameOf(element: DerElement): Extract<GeneralName, { readonly kind: 'directoryName' }> {
  const name = readName(element)
  return { kind: 'directoryName', text: formatName(name), keys: relativeNameKeys(name) }
}

/**
 * Reads one GeneralName.
 * @throws DerError when it is not one
 */
export function readGeneralName(element: DerElement): GeneralName {
  const kind = TEXT_KINDS.get(element.tag)
  if (kind !== undefined) {
    const text = decodeAscii(element)
    if (text === undefined) throw new DerError(`${kind} is not a string of its type`)
    return { kind, text }
  }
  if (element.tag === IP_ADDRESS) return { kind: 'iPAddress', octets: element.content }
  // Name is a CHOICE, which makes its tag explicit (X.680 §31.2.7).
  if (element.tag === DIRECTORY_NAME) return directoryNameOf(readSingle(element.content, TAG.sequence))
  if (element.tag === OTHER_NAME) return { kind: 'other', form: `otherName ${readOid(element.reader().next())}` }
  const form = OTHER_FORMS.get(element.tag)
  if (form === undefined) throw new DerError('not a general name')
  return { kind: 'other', form }
}
