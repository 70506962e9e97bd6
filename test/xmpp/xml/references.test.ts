import { describe, expect, it } from 'vitest'
import { resolveReferences } from '../../../src/xmpp/xml/references.ts'

describe('resolveReferences', () => {
  it.each([
    ['', ''],
    ['no reference; none', 'no reference; none'],
    ['&amp;&lt;&gt;&quot;&apos;', '&<>"\''],
    ['x&amp;amp;y', 'x&amp;y'],
    ['&#65;&#x42;&#x1f600;&#x1F600;', 'AB😀😀'],
    ['&#9;&#10;&#13;&#32;', '\t\n\r '],
    ['&#xD7FF;&#xE000;&#xFFFD;&#x10000;&#x10FFFF;&#1114111;', '\ud7ff\ue000\ufffd\u{10000}\u{10ffff}\u{10ffff}'],
    ['ä&#0000065;ö', 'äAö'],
  ])('%s', (text, resolved) => {
    expect(resolveReferences(text)).toBe(resolved)
  })

  it.each([
    ...['&', 'x & y', '&;', '&amp', '&amp &amp;', '&AMP;', '& amp;', '&nbsp;', '&constructor;', '&amp;&nbsp;'],
    ...['&#;', '&#x;', '&#X41;', '&#ab;', '&#-1;', '&#1e3;', '&# 65;', '&#00000065;', '&#x0000041;'],
    ...['&#0;', '&#8;', '&#11;', '&#31;', '&#xD800;', '&#xDFFF;', '&#xFFFE;', '&#xFFFF;', '&#x110000;', '&#9999999;'],
  ])('does not know %s', (text) => {
    expect(resolveReferences(text)).toBeUndefined()
  })
})
