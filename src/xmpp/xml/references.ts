const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])
const DECIMAL = /^#[0-9]{1,7}$/
const HEXADECIMAL = /^#x[0-9A-Fa-f]{1,6}$/

/**
 * Puts characters in the place of references to them and to the five predefined entities (XML 1.0 §4.1, §4.6).
 * @returns undefined when there is a reference to anything else, an `&` that starts none, or one with needless zeros
 */
export function resolveReferences(text: string): string | undefined {
  let resolved = ''
  let from = 0
  for (let ampersand = text.indexOf('&'); ampersand >= 0; ampersand = text.indexOf('&', from)) {
    const end = text.indexOf(';', ampersand)
    const character = end < 0 ? undefined : characterOf(text.slice(ampersand + 1, end))
    if (character === undefined) return undefined
    resolved += text.slice(from, ampersand) + character
    from = end + 1
  }
  return resolved + text.slice(from)
}

function characterOf(name: string): string | undefined {
  const predefined = PREDEFINED.get(name)
  if (predefined !== undefined) return predefined
  if (DECIMAL.test(name)) return xmlCharacter(Number.parseInt(name.slice(1), 10))
  return HEXADECIMAL.test(name) ? xmlCharacter(Number.parseInt(name.slice(2), 16)) : undefined
}

/** The production Char of XML 1.0 §2.2. */
function xmlCharacter(code: number): string | undefined {
  const isAllowed =
    code >= 0x20
      ? code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
      : code === 0x9 || code === 0xa || code === 0xd
  return isAllowed ? String.fromCodePoint(code) : undefined
}
