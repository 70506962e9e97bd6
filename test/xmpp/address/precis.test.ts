import { describe, expect, it } from 'vitest'
import { opaqueString, usernameCaseMapped } from '../../../src/xmpp/address/precis.ts'

const ok = (text: string) => ({ ok: true, text })

describe('usernameCaseMapped (RFC 8265 §3.3, examples of §3.5)', () => {
  const rows: [name: string, input: string, prepared: string | undefined][] = [
    ['letters', 'juliet@example.com', 'juliet@example.com'],
    ['two s', 'fussball', 'fussball'],
    ['sharp s', 'fußball', 'fußball'],
    ['pi', 'π', 'π'],
    ['capital sigma', 'Σ', 'σ'],
    ['capital sigma at the end of a word', 'ΟΔΟΣ', 'οδοσ'],
    ['final sigma', 'ς', 'ς'],
    ['space', 'foo bar', undefined],
    ['nothing', '', undefined],
    ['Roman numeral (compatibility)', 'henryⅣ', undefined],
    ['infinity (symbol)', '∞', undefined],
    ['fullwidth letters', 'ＡＢＣ', 'abc'],
    ['halfwidth katakana', 'ﾃｽﾄ', 'テスト'],
    ['halfwidth katakana with voicing', 'ﾃﾞ', 'デ'],
    ['ideographic space', 'a\u3000b', undefined],
    ['halfwidth Hangul filler', '\uffa0', undefined],
    ['decomposed letter', 'e\u0301', 'é'],
    ['ligature', 'ﬁ', undefined],
    ['titlecase digraph', 'ǅ', undefined],
    ['Kelvin sign', '\u212a', undefined],
    ['conjoining jamo', '\u1100', undefined],
    ['soft hyphen', 'a\u00adb', undefined],
    ['zero width space', 'a\u200bb', undefined],
    ['combining grapheme joiner', 'a\u034fb', undefined],
    ['variation selector', 'a\ufe0f', undefined],
    ['right-to-left override', 'a\u202eb', undefined],
    ['private use', '\ue000', undefined],
    ['tatweel (exception)', '\u0627\u0640', undefined],
    ['Tibetan mark (exception)', '\u0f0b', '\u0f0b'],
    ['ideographic zero (exception)', '〇', '〇'],
    ['Cyrillic', 'ИВАН', 'иван'],
    ['Devanagari', 'संपर्क', 'संपर्क'],
    ['supplementary plane', '\u{10400}', '\u{10428}'],
  ]
  it.each(rows)('%s', (_name, input, prepared) => {
    const result = usernameCaseMapped(input)
    if (prepared === undefined) expect(result.ok).toBe(false)
    else expect(result).toEqual(ok(prepared))
  })
})

describe('opaqueString (RFC 8265 §4.2, examples of §4.3)', () => {
  const rows: [name: string, input: string, prepared: string | undefined][] = [
    ['spaces', 'correct horse battery staple', 'correct horse battery staple'],
    ['capitals', 'Correct Horse', 'Correct Horse'],
    ['non-ASCII letters', 'πßå', 'πßå'],
    ['symbol', 'Jack of ♦s', 'Jack of ♦s'],
    ['Ogham space', 'foo\u1680bar', 'foo bar'],
    ['no-break space', 'foo\u00a0bar', 'foo bar'],
    ['nothing', '', undefined],
    ['tab', 'my\tname', undefined],
    ['fullwidth stays', 'Ａ', 'Ａ'],
    ['emoji', 'phone 📱', 'phone 📱'],
    ['emoji with joiner', '👩\u200d💻', undefined],
    ['decomposed letter', 'e\u0301', 'é'],
    ['right-to-left first', 'אa1', 'אa1'],
  ]
  it.each(rows)('%s', (_name, input, prepared) => {
    const result = opaqueString(input)
    if (prepared === undefined) expect(result.ok).toBe(false)
    else expect(result).toEqual(ok(prepared))
  })
})

describe('context rules (RFC 5892 appendix A)', () => {
  const rows: [name: string, input: string, allowed: boolean][] = [
    ['A.1 non-joiner after virama', 'क\u094d\u200cष', true],
    ['A.1 non-joiner between joining letters', 'می\u200cخواهم', true],
    ['A.1 non-joiner after a letter that does not join', 'د\u200cخ', false],
    ['A.1 non-joiner between Latin letters', 'a\u200cb', false],
    ['A.1 non-joiner at the end', 'می\u200c', false],
    ['A.2 joiner after virama', 'क\u094d\u200dष', true],
    ['A.2 joiner elsewhere', 'a\u200db', false],
    ['A.3 middle dot in Catalan', 'col·lega', true],
    ['A.3 middle dot elsewhere', 'a·b', false],
    ['A.4 keraia before Greek', '\u0375β', true],
    ['A.4 keraia at the end', 'β\u0375', false],
    ['A.5 geresh after Hebrew', 'א\u05f3', true],
    ['A.5 geresh first', '\u05f3א', false],
    ['A.6 gershayim after Hebrew', 'א\u05f4ב', true],
    ['A.6 gershayim after Latin', 'a\u05f4', false],
    ['A.7 katakana middle dot', 'ア・イ', true],
    ['A.7 katakana middle dot in Latin', 'a・b', false],
    ['A.8 Arabic-Indic digits', 'ا\u0660', true],
    ['A.8 mixed with extended ones', 'ا\u0660\u06f0', false],
    ['A.9 extended Arabic-Indic digits', 'ا\u06f0', true],
  ]
  it.each(rows)('%s', (_name, input, allowed) => {
    expect(usernameCaseMapped(input).ok).toBe(allowed)
    expect(opaqueString(input).ok).toBe(allowed)
  })

  it('are applied to long texts', () => {
    expect(opaqueString('\u0660'.repeat(3000)).ok).toBe(true)
    expect(opaqueString('क\u094d\u200d'.repeat(1000)).ok).toBe(true)
    expect(opaqueString(`${'क\u094d\u200d'.repeat(1000)}\u200d`).ok).toBe(false)
  })
})

describe('Bidi rule (RFC 5893 §2)', () => {
  const rows: [name: string, input: string, allowed: boolean][] = [
    ['only right-to-left letters', 'שלום', true],
    ['Arabic with marks at the end', 'مَ', true],
    ['right-to-left and European digits', 'אב12', true],
    ['right-to-left and Arabic digits', 'اب\u0661', true],
    ['punctuation inside', 'א-ב', true],
    ['rule 1: starts with a digit', '1א', false],
    ['rule 1: starts with a mark', '\u05b0א', false],
    ['rule 2: left-to-right letter in it', 'אaב', false],
    ['rule 3: ends in punctuation', 'א-', false],
    ['rule 4: both kinds of digits', 'ا1\u0661', false],
    ['rule 5: left-to-right first', 'aא', false],
    ['not applied without right-to-left characters', '1-a-', true],
    ['not applied to European digits of Arabic script alone', '\u06f1\u06f2', true],
    ['Arabic digits alone', '\u0661', false],
    ['Adlam', '\u{1e900}', true],
  ]
  it.each(rows)('%s', (_name, input, allowed) => {
    expect(usernameCaseMapped(input).ok).toBe(allowed)
  })
})
