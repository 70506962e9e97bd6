import { describe, expect, it } from 'vitest'
import { findMarkup, type Markup } from '../../../src/xmpp/xml/markup-guard.ts'

describe('the first thing that the tokenizer must not simply be given', () => {
  it.each([
    '<a b="c">text</a>',
    '<a/>',
    'a > b',
    '&amp;&lt;&gt;&quot;&apos;',
    '&#228;&#xe4;&#xE4;',
    `&#${'0'.repeat(25)}228;`,
    '! ? # ;',
    '',
  ])('is not in %s', (text) => {
    expect(findMarkup(text)).toBeUndefined()
  })

  it.each<[text: string, markup: Markup]>([
    ['<![CDATA[', 'cdata'],
    ['<![CDATA[x', 'cdata'],
    ['<![CDATA', 'incomplete'],
    ['<!', 'incomplete'],
    ['<?', 'incomplete'],
    ['<?xml', 'incomplete'],
    ['<', 'incomplete'],
    ['<?xml version', 'declaration'],
    ['<?xml\n', 'declaration'],
    // XML 1.0 §2.8 has it in small letters, and other names begin like it.
    ['<?XML ', 'restricted'],
    ['<?xml-stylesheet', 'restricted'],
    ['<?xml?', 'restricted'],
    ['<?php', 'restricted'],
    ['<!--', 'restricted'],
    ['<!DOCTYPE', 'restricted'],
    ['<![cdata[', 'restricted'],
    ['&', 'incomplete'],
    ['&am', 'incomplete'],
    ['&#', 'incomplete'],
    ['&#x', 'incomplete'],
    ['&#12', 'incomplete'],
    ['&nbsp;', 'restricted'],
    ['&AMP;', 'restricted'],
    ['&ä;', 'restricted'],
    ['& ', 'malformed'],
    ['&;', 'malformed'],
    ['&1;', 'malformed'],
    ['&#;', 'malformed'],
    ['&#x;', 'malformed'],
    ['&#12a;', 'malformed'],
    ['&a b;', 'malformed'],
    ['&a<', 'malformed'],
    [`&#${'0'.repeat(40)}`, 'long-reference'],
    [`&${'a'.repeat(40)};`, 'long-reference'],
  ])('%s is %s, wherever it stands', (text, markup) => {
    expect(findMarkup(text)).toEqual({ index: 0, markup })
    expect(findMarkup(`<a b="&lt;">ä ${text}`)).toEqual({ index: 14, markup })
  })

  it('is the first of several', () => {
    expect(findMarkup('a &nbsp; <!-- x')).toEqual({ index: 2, markup: 'restricted' })
    expect(findMarkup('a <!-- &nbsp;')).toEqual({ index: 2, markup: 'restricted' })
  })
})
