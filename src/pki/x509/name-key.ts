import { Memo } from '../../memo.ts'
import type { DerElement } from '../der/der.ts'
import { type DistinguishedName, PRINT_LIMIT, readName } from './distinguished-name.ts'

/** The names of CAs come again with everything that they have signed. */
const known = new Memo<string>(200)

/** RFC 4518 §2: one case, one form of each character, and no spaces that say nothing. */
function prepared(value: string): string {
  return value.normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ').trim()
}

function relativeNameKey(attributes: DistinguishedName[number]): string {
  const pairs = attributes
    .map(({ type, value, raw }) =>
      value === undefined ? [type, '#', Buffer.from(raw).toString('hex')] : [type, '=', prepared(value)],
    )
    .map((attribute) => JSON.stringify(attribute))
    .sort()
  return JSON.stringify(pairs)
}

/** A text for each relative name, as {@link nameKey} has them: a name lies below another that these begin with. */
export function relativeNameKeys(name: DistinguishedName): readonly string[] {
  return name.map(relativeNameKey)
}

function keyOf(name: DistinguishedName): string {
  return `[${relativeNameKeys(name).join(',')}]`
}

/**
 * A text that two distinguished names share when, and only when, they match (RFC 5280 §7.1): case, white space and the
 * ASN.1 type of a string do not count. It is for comparisons alone.
 * @throws DerError when it is not a name
 */
export function nameKey(element: DerElement): string {
  if (element.length > PRINT_LIMIT) return keyOf(readName(element))
  const octets = element.latin1()
  return known.get(octets) ?? known.keep(octets, keyOf(readName(element)))
}
