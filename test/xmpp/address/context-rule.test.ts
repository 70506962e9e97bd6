import { describe, expect, it } from 'vitest'
import { breaksContextRule } from '../../../src/xmpp/address/context-rule.ts'
import { opaqueString, usernameCaseMapped } from '../../../src/xmpp/address/precis.ts'

describe('context rules (RFC 5892 appendix A)', () => {
  const rows: [name: string, input: string, reason: string | undefined][] = [
    ['A.1 non-joiner after virama', 'क\u094d\u200cष', undefined],
    ['A.1 non-joiner between joining letters', 'می\u200cخواهم', undefined],
    ['A.1 non-joiner after a letter that does not join', 'د\u200cخ', 'contains U+200C out of its context'],
    ['A.1 non-joiner between Latin letters', 'a\u200cb', 'contains U+200C out of its context'],
    ['A.1 non-joiner at the end', 'می\u200c', 'contains U+200C out of its context'],
    ['A.2 joiner after virama', 'क\u094d\u200dष', undefined],
    ['A.2 joiner elsewhere', 'a\u200db', 'contains U+200D out of its context'],
    ['A.3 middle dot in Catalan', 'col·lega', undefined],
    ['A.3 middle dot elsewhere', 'a·b', 'contains U+00B7 out of its context'],
    ['A.4 keraia before Greek', '\u0375β', undefined],
    ['A.4 keraia at the end', 'β\u0375', 'contains U+0375 out of its context'],
    ['A.5 geresh after Hebrew', 'א\u05f3', undefined],
    ['A.5 geresh first', '\u05f3א', 'contains U+05F3 out of its context'],
    ['A.6 gershayim after Hebrew', 'א\u05f4ב', undefined],
    ['A.6 gershayim after Latin', 'a\u05f4', 'contains U+05F4 out of its context'],
    ['A.7 katakana middle dot', 'ア・イ', undefined],
    ['A.7 katakana middle dot in Latin', 'a・b', 'contains U+30FB out of its context'],
    ['A.8 Arabic-Indic digits', 'ا\u0660', undefined],
    ['A.8 mixed with extended ones', 'ا\u0660\u06f0', 'mixes two kinds of Arabic digits'],
    ['A.9 extended Arabic-Indic digits', 'ا\u06f0', undefined],
  ]
  it.each(rows)('%s', (_name, input, reason) => {
    expect(breaksContextRule(input)).toBe(reason)
    expect(usernameCaseMapped(input).ok).toBe(reason === undefined)
    expect(opaqueString(input).ok).toBe(reason === undefined)
  })

  it('are applied to long texts', () => {
    expect(opaqueString('\u0660'.repeat(3000)).ok).toBe(true)
    expect(opaqueString('क\u094d\u200d'.repeat(1000)).ok).toBe(true)
    expect(opaqueString(`${'क\u094d\u200d'.repeat(1000)}\u200d`).ok).toBe(false)
  })

  it('look at the nearest neighbours alone, marks between them included', () => {
    expect(breaksContextRule(`می${'\u064e'.repeat(30)}\u200cخ`)).toBeUndefined()
    expect(breaksContextRule(`می${'\u064e'.repeat(40)}\u200cخ`)).toBe('contains U+200C out of its context')
  })
})
