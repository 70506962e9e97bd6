import { breaksBidiRule } from './bidi-rule.ts'
import { breaksContextRule } from './context-rule.ts'
import { LazyRegexp } from './lazy-regexp.ts'

/** The prepared text, or what is wrong with it as the rest of a sentence: `contains …`, `is …`. */
type Prepared = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }

/**
 * The derived property of RFC 8264 §8 as two character classes. Its rules apply in order and the first match decides;
 * each part below cites its category in §9.
 */
const EXCEPTIONS_VALID = '\\u00df\\u03c2\\u06fd\\u06fe\\u0f0b\\u3007'
const EXCEPTIONS_CONTEXT = '\\u00b7\\u0375\\u05f3\\u05f4\\u30fb\\u0660-\\u0669\\u06f0-\\u06f9'
const EXCEPTIONS_DISALLOWED = '\\u0640\\u07fa\\u302e\\u302f\\u3031-\\u3035\\u303b'
const JOIN_CONTROLS = '\\u200c\\u200d'
const OLD_HANGUL_JAMO = '\\u1100-\\u11ff\\ua960-\\ua97c\\ud7b0-\\ud7c6\\ud7cb-\\ud7fb'
const LETTER_DIGITS = '\\p{Ll}\\p{Lu}\\p{Lo}\\p{Nd}\\p{Lm}\\p{Mn}\\p{Mc}'
const OTHER_LETTER_DIGITS = '\\p{Lt}\\p{Nl}\\p{No}\\p{Me}'

/** Valid in both classes without a look at compatibility (§9.6 Exceptions, §9.11 ASCII7, §9.8 JoinControl). */
const ALWAYS_VALID = new LazyRegexp(`[!-~${EXCEPTIONS_VALID}${EXCEPTIONS_CONTEXT}${JOIN_CONTROLS}]`)
/** Valid in neither (§9.6, §9.9 OldHangulJamo, §9.13 PrecisIgnorableProperties). */
const ALWAYS_DISALLOWED = new LazyRegexp(
  `[${EXCEPTIONS_DISALLOWED}${OLD_HANGUL_JAMO}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}]`,
)
const IDENTIFIER = new LazyRegexp(`[${LETTER_DIGITS}]`)
const FREEFORM = new LazyRegexp(`[${LETTER_DIGITS}${OTHER_LETTER_DIGITS}\\p{Zs}\\p{S}\\p{P}]`)

/** Fullwidth and halfwidth forms, which for these ranges are what NFKC maps (RFC 8265 §3.3.2, width mapping). */
const WIDTH_VARIANT = /[\u3000\uff01-\uffee]/g
const NON_ASCII_SPACE = /[\p{Zs}]/gu

/** How often a profile is applied before a text that still changes is refused (RFC 8264 §7). */
const MAX_PASSES = 3

/** UsernameCaseMapped of RFC 8265 §3.3: what localparts and usernames are compared as. */
export function usernameCaseMapped(text: string): Prepared {
  return untilStable(text, (once) => {
    const narrow = once.replace(WIDTH_VARIANT, (character) => character.normalize('NFKC'))
    const reason = disallowedInIdentifier(narrow)
    if (reason !== undefined) return { ok: false, reason }
    const mapped = lowerCase(narrow).normalize('NFC')
    const bidi = breaksBidiRule(mapped)
    return bidi === undefined ? { ok: true, text: mapped } : { ok: false, reason: bidi }
  })
}

/** OpaqueString of RFC 8265 §4.2: passwords and resourceparts; case and width stay as they are. */
export function opaqueString(text: string): Prepared {
  return untilStable(text, (once) => {
    const reason = disallowed(once, isFreeform)
    if (reason !== undefined) return { ok: false, reason }
    return {
      ok: true,
      text: once.replace(NON_ASCII_SPACE, ' ').normalize('NFC'),
    }
  })
}

/** Why a text is not in the IdentifierClass (RFC 8264 §4.2), or `undefined`. */
export function disallowedInIdentifier(text: string): string | undefined {
  return disallowed(text, isIdentifier)
}

function untilStable(text: string, apply: (text: string) => Prepared): Prepared {
  let current = text
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = apply(current)
    if (!next.ok) return next
    if (next.text === '') return { ok: false, reason: 'is empty' }
    if (next.text === current) return next
    current = next.text
  }
  return { ok: false, reason: 'has no stable prepared form' }
}

/**
 * Character by character, so that a capital sigma at the end of a word becomes σ and not ς: the mapping must not
 * depend on the context (RFC 8264 §5.2.3), or a JID would change when text is appended to it.
 */
function lowerCase(text: string): string {
  let out = ''
  for (const character of text) out += character.toLowerCase()
  return out
}

function disallowed(text: string, isAllowed: (character: string) => boolean): string | undefined {
  for (const character of text) if (!isAllowed(character)) return `contains ${describe(character)}`
  return breaksContextRule(text)
}

function isIdentifier(character: string): boolean {
  if (ALWAYS_VALID.test(character)) return true
  return !ALWAYS_DISALLOWED.test(character) && character.normalize('NFKC') === character && IDENTIFIER.test(character)
}

function isFreeform(character: string): boolean {
  return ALWAYS_VALID.test(character) || (!ALWAYS_DISALLOWED.test(character) && FREEFORM.test(character))
}

function describe(character: string): string {
  if (character === ' ') return 'a space'
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `${character} (${code})` : code
}
