import { LazyRegexp } from './lazy-regexp.ts'

/**
 * The Bidi rule of RFC 5893 §2. Regular expressions do not know Bidi_Class, so the blocks of right-to-left scripts are
 * listed (DerivedBidiClass.txt, default values); marks are NSM by their general category. Compared with the full table
 * of Unicode 14 for every character of the IdentifierClass, the only text that the rule is applied to, this refuses 25
 * modifier letters and one mark beside right-to-left letters, and admits five Indic marks there.
 */
const RTL_BLOCKS = '\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufeff\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}'
const ARABIC_NUMBER = '\\u0660-\\u0669\\u{10d30}-\\u{10d39}\\u{10e60}-\\u{10e7e}'
const EXTENDED_ARABIC_DIGIT = '\\u06f0-\\u06f9'

/** Classes R and AL: everything in those blocks but marks and digits of class AN and EN. */
const RTL_LETTER = `(?![\\p{Mn}${ARABIC_NUMBER}${EXTENDED_ARABIC_DIGIT}])[${RTL_BLOCKS}]`
/** Classes R, AL and AN: what makes a text right-to-left (RFC 5893 §1.4). */
const HAS_RTL = new LazyRegexp(`${RTL_LETTER}|[${ARABIC_NUMBER}]`)
const EUROPEAN_NUMBER = `0-9${EXTENDED_ARABIC_DIGIT}`
/** Classes ES, CS, ET, ON and BN as far as the IdentifierClass has them. */
const NEUTRAL = '!-/:-@\\[-`{-~\\u00b7\\u0375\\u30fb\\u200c\\u200d'

/** Rules 1 to 3 for a label that starts with a right-to-left letter. */
const RTL_LABEL = new LazyRegexp(
  `^${RTL_LETTER}(?:(?:${RTL_LETTER}|[\\p{Mn}${ARABIC_NUMBER}${EUROPEAN_NUMBER}${NEUTRAL}])*(?:${RTL_LETTER}|[${ARABIC_NUMBER}${EUROPEAN_NUMBER}]))?\\p{Mn}*$`,
)
const HAS_ARABIC_NUMBER = new LazyRegexp(`[${ARABIC_NUMBER}]`)
const HAS_EUROPEAN_NUMBER = new LazyRegexp(`[${EUROPEAN_NUMBER}]`)

/**
 * Why a text breaks the Bidi rule, as `mixes …`, or `undefined`. Text without right-to-left characters is not looked
 * at (RFC 8265 §3.3.2): a username may start with a digit.
 */
export function breaksBidiRule(text: string): string | undefined {
  if (!HAS_RTL.test(text)) return undefined
  if (!RTL_LABEL.test(text)) return 'mixes writing directions'
  // Rule 4
  if (HAS_ARABIC_NUMBER.test(text) && HAS_EUROPEAN_NUMBER.test(text)) return 'mixes European and Arabic digits'
  return undefined
}
