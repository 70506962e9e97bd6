import { describe, expect, it } from 'vitest'
import { NS } from '../../../src/xmpp/namespaces.ts'
import {
  appendChild,
  childElements,
  childNamed,
  namespaceOf,
  serialize,
  textOf,
  xml,
} from '../../../src/xmpp/xml/element.ts'

describe('xml', () => {
  it('leaves out undefined attributes', () => {
    expect(serialize(xml('iq', { type: 'result', id: undefined, to: '' }))).toBe('<iq type="result" to=""/>')
  })

  it('makes one text of neighbouring texts', () => {
    expect(xml('a', {}, 'x', '', 'y', xml('b'), '').children).toEqual(['xy', expect.objectContaining({ name: 'b' })])
  })

  it('links children to their parent', () => {
    const child = xml('b')
    const parent = xml('a')
    appendChild(parent, child)
    expect(child.parent).toBe(parent)
  })
})

describe('serialize', () => {
  it.each([
    ['markup', '<a b="&">', '&lt;a b="&amp;"&gt;', '&lt;a b=&quot;&amp;&quot;&gt;'],
    ['end of CDATA', ']]>', ']]&gt;', ']]&gt;'],
    ['an apostrophe', "'", "'", "'"],
    ['line ends and tabs', '\r\n\t', '&#xD;\n\t', '&#xD;&#xA;&#x9;'],
    ['what XML cannot carry (XML §2.2)', '\0\x08\x1f\ufffe\uffff', '\ufffd'.repeat(5), '\ufffd'.repeat(5)],
    ['other characters', 'é😀\u0085', 'é😀\u0085', 'é😀\u0085'],
  ])('escapes %s', (_name, value, inText, inAttribute) => {
    expect(serialize(xml('a', { b: value }, value))).toBe(`<a b="${inAttribute}">${inText}</a>`)
  })

  it('escapes a lone text child', () => {
    expect(serialize(xml('body', {}, '<script/>'))).toBe('<body>&lt;script/&gt;</body>')
  })
})

describe('namespaceOf', () => {
  it.each([
    ['nothing declared: the content namespace', xml('message'), NS.client],
    ['declared on itself', xml('query', { xmlns: NS.roster }), NS.roster],
    ['no namespace', xml('a', { xmlns: '' }), ''],
    ['the prefix of the stream header', xml('stream:features'), NS.stream],
    ['a declared prefix', xml('p:a', { 'xmlns:p': 'urn:p' }), 'urn:p'],
    ['an unknown prefix', xml('p:a'), ''],
  ])('%s', (_name, element, namespace) => {
    expect(namespaceOf(element)).toBe(namespace)
  })

  it('is inherited, also that there is none', () => {
    const leaf = xml('c')
    xml('a', { xmlns: NS.roster }, xml('b', { xmlns: '' }, leaf))
    expect(namespaceOf(leaf)).toBe('')
  })
})

describe('look-ups', () => {
  const error = xml('conflict', { xmlns: NS.streamErrors })
  const features = xml('stream:features', {}, 'a', xml('bind'), 'b', xml('bind', { xmlns: NS.bind }), error)

  it('childNamed compares namespaces', () => {
    expect(childNamed(features, 'bind', NS.bind)?.attrs['xmlns']).toBe(NS.bind)
    expect(childNamed(features, 'bind', NS.client)).toBe(features.children[1])
    expect(childNamed(features, 'bind', NS.sasl)).toBeUndefined()
    expect(childNamed(xml('a', {}, features), 'features', NS.stream)).toBe(features)
  })

  it('childElements and textOf take one kind of child each', () => {
    expect(childElements(features).map(({ name }) => name)).toEqual(['bind', 'bind', 'conflict'])
    expect(textOf(features)).toBe('ab')
  })
})
