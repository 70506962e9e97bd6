import { describe, expect, it } from 'vitest'
import { breaksBidiRule } from '../../../src/xmpp/address/bidi-rule.ts'
import { usernameCaseMapped } from '../../../src/xmpp/address/precis.ts'

describe('Bidi rule (RFC 5893 §2)', () => {
  const rows: [name: string, input: string, reason: string | undefined][] = [
    ['only right-to-left letters', 'שלום', undefined],
    ['Arabic with marks at the end', 'مَ', undefined],
    ['right-to-left and European digits', 'אב12', undefined],
    ['right-to-left and Arabic digits', 'اب\u0661', undefined],
    ['punctuation inside', 'א-ב', undefined],
    ['rule 1: starts with a digit', '1א', 'mixes writing directions'],
    ['rule 1: starts with a mark', '\u05b0א', 'mixes writing directions'],
    ['rule 2: left-to-right letter in it', 'אaב', 'mixes writing directions'],
    ['rule 3: ends in punctuation', 'א-', 'mixes writing directions'],
    ['rule 4: both kinds of digits', 'ا1\u0661', 'mixes European and Arabic digits'],
    ['rule 5: left-to-right first', 'aא', 'mixes writing directions'],
    ['not applied without right-to-left characters', '1-a-', undefined],
    ['not applied to European digits of Arabic script alone', '\u06f1\u06f2', undefined],
    ['Arabic digits alone', '\u0661', 'mixes writing directions'],
    ['Adlam', '\u{1e900}', undefined],
  ]
  it.each(rows)('%s', (_name, input, reason) => {
    expect(breaksBidiRule(input)).toBe(reason)
    expect(usernameCaseMapped(input).ok).toBe(reason === undefined)
  })
})
