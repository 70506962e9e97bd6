import { LazyRegexp } from './lazy-regexp.ts'

/**
 * Contextual rules of RFC 5892 appendix A, which RFC 8264 §4.2.2 and §4.3.2 take over: characters that are valid
 * beside certain others only.
 */

/** Canonical_Combining_Class=Virama (Unicode 14), which regular expressions do not know. */
const VIRAMA =
  /[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0e3a\u0eba\u0f84\u1039\u103a\u1714\u1715\u1734\u17d2\u1a60\u1b44\u1baa\u1bab\u1bf2\u1bf3\u2d7f\ua806\ua82c\ua8c4\ua953\ua9c0\uaaf6\uabed\u{10a3f}\u{11046}\u{11070}\u{1107f}\u{110b9}\u{11133}\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}]$/u

/**
 * Letters that join to their successor (Joining_Type=D) and those that only join to their predecessor (R), for the
 * Arabic script. Other joining scripts are not in the table: there the zero width non-joiner is refused.
 */
const DUAL_JOINING =
  '\\u0620\\u0626\\u0628\\u062a-\\u062e\\u0633-\\u063f\\u0641-\\u0647\\u0649\\u064a\\u066e\\u066f\\u0678-\\u0687\\u069a-\\u06bf\\u06c1\\u06c2\\u06cc\\u06ce\\u06d0\\u06d1\\u06fa-\\u06fc\\u06ff'
const RIGHT_JOINING =
  '\\u0622-\\u0625\\u0627\\u0629\\u062f-\\u0632\\u0648\\u0671-\\u0673\\u0675-\\u0677\\u0688-\\u0699\\u06c0\\u06c3-\\u06cb\\u06cd\\u06cf\\u06d2\\u06d3\\u06d5\\u06ee\\u06ef'
const JOINS_FORWARD = new LazyRegexp(`[${DUAL_JOINING}]\\p{Mn}*$`)
const JOINS_BACKWARD = new LazyRegexp(`^\\p{Mn}*[${DUAL_JOINING}${RIGHT_JOINING}]`)

/** Characters whose rule looks at their neighbours. */
const BESIDE_OTHERS = /[\u00b7\u0375\u05f3\u05f4\u200c\u200d]/gu

/** Code units looked at on each side: keeps the rules linear in the length of the text. */
const MAX_CONTEXT = 32

/** Which contextual rule a text breaks, as the rest of a sentence, or `undefined`. */
export function breaksContextRule(text: string): string | undefined {
  // A.7 KATAKANA MIDDLE DOT
  if (/\u30fb/.test(text) && !/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(text)) {
    return 'contains U+30FB out of its context'
  }
  // A.8 and A.9
  if (/[\u0660-\u0669]/.test(text) && /[\u06f0-\u06f9]/.test(text)) return 'mixes two kinds of Arabic digits'
  for (const { 0: character, index } of text.matchAll(BESIDE_OTHERS)) {
    const before = text.slice(Math.max(0, index - MAX_CONTEXT), index)
    const after = text.slice(index + 1, index + 1 + MAX_CONTEXT)
    if (!fits(character, before, after)) return `contains U+${hex(character)} out of its context`
  }
  return undefined
}

function fits(character: string, before: string, after: string): boolean {
  switch (character) {
    case '\u200c': // A.1 ZERO WIDTH NON-JOINER
      return VIRAMA.test(before) || (JOINS_FORWARD.test(before) && JOINS_BACKWARD.test(after))
    case '\u200d': // A.2 ZERO WIDTH JOINER
      return VIRAMA.test(before)
    case '\u00b7': // A.3 MIDDLE DOT, between two l as in Catalan
      return before.endsWith('l') && after.startsWith('l')
    case '\u0375': // A.4 GREEK LOWER NUMERAL SIGN
      return /^\p{Script=Greek}/u.test(after)
    default: // A.5 and A.6 HEBREW PUNCTUATION GERESH and GERSHAYIM
      return /\p{Script=Hebrew}$/u.test(before)
  }
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
}
