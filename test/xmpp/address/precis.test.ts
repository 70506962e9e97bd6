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
