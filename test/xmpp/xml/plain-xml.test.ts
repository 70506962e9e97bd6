import { describe, expect, it } from 'vitest'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { readPlainElement, readPlainHeader } from '../../../src/xmpp/xml/plain-xml.ts'
import { generator } from '../../pki/mutations.ts'
import { LIMITS, OPEN, octets, record } from './stream-recorder.ts'

const CLIENT = "xmlns='jabber:client'"
const STREAM = "xmlns:stream='http://etherx.jabber.org/streams'"

describe('readPlainHeader', () => {
  it.each([
    [`<stream:stream ${CLIENT} ${STREAM} to='localhost' version='1.0'>`, { to: 'localhost', version: '1.0' }],
    [`<?xml version='1.0'?><stream:stream to="a" ${STREAM} ${CLIENT}>`, { to: 'a' }],
    [`<?xml version="1.0" encoding="UTF-8" ?><stream:stream ${CLIENT} ${STREAM}>`, {}],
    [`<stream:stream ${CLIENT} ${STREAM} xml:lang='en' from='a@b'><presence/>`, { 'xml:lang': 'en', from: 'a@b' }],
  ])('%s', (text, attrs) => {
    const header = readPlainHeader(text, LIMITS)
    expect(header?.root).toEqual({
      name: 'stream',
      namespace: 'http://etherx.jabber.org/streams',
      contentNamespace: 'jabber:client',
      attrs: expect.objectContaining(attrs),
    })
    expect(Object.keys(header?.root.attrs ?? {}).sort()).toEqual(Object.keys(attrs).sort())
    expect(text.slice(0, header?.end)).toMatch(/<stream:stream[^<]*>$/)
  })

  it.each([
    ['white space before it', ` ${OPEN}`],
    ['cut short', OPEN.slice(0, -1)],
    ['no stream', `<stream ${CLIENT} ${STREAM}>`],
    ['empty', `<stream:stream ${CLIENT} ${STREAM}/>`],
    ['another content namespace', `<stream:stream xmlns='jabber:server' ${STREAM}>`],
    ['another stream namespace', `<stream:stream ${CLIENT} xmlns:stream='urn:x'>`],
    ['no content namespace', `<stream:stream ${STREAM}>`],
    ['a further prefix', `<stream:stream ${CLIENT} ${STREAM} xmlns:x='urn:x'>`],
    ['an attribute twice', `<stream:stream ${CLIENT} ${STREAM} to='a' to='b'>`],
    ['a reference', `<stream:stream ${CLIENT} ${STREAM} to='&amp;'>`],
    ['another version of XML', `<?xml version='1.1'?>${OPEN}`],
    ['a declaration in other letters', `<?XML version='1.0'?>${OPEN}`],
    ['another encoding', `<?xml version='1.0' encoding='latin1'?>${OPEN}`],
    ['other characters', `<stream:stream ${CLIENT} ${STREAM} to='é'>`],
    [
      'too many attributes',
      `<stream:stream ${CLIENT} ${STREAM} ${'abcdefghijklmnopqrs'.replaceAll(/./g, "$&='' ")}to=''>`,
    ],
  ])('leaves to the tokenizer: %s', (_, text) => {
    expect(readPlainHeader(text, LIMITS)).toBeUndefined()
  })
})

describe('readPlainElement', () => {
  it.each([
    ['<presence/>', '<presence/>'],
    ['<presence />', '<presence/>'],
    ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>", undefined],
    [`<a b='"' c="'>"/>`, `<a b="&quot;" c="'&gt;"/>`],
    ['<a xmlns="urn:x"><b xmlns="urn:x"/><c xmlns="jabber:client"/></a>', undefined],
    ['<a>one\n<b>two</b>\tthree</a>', undefined],
    ['<a></a>', '<a/>'],
  ])('%s', (text, normal) => {
    const read = readPlainElement(`xx${text}<rest/>`, 2, LIMITS)
    const expected = normal ?? text.replaceAll("'", '"').replace('<b xmlns="urn:x"/>', '<b/>')
    expect(read && serialize(read.element)).toBe(expected)
    expect(read?.end).toBe(2 + text.length)
  })

  it.each([
    '</stream:stream>',
    '<a>',
    '<a><b></a></b>',
    '<a',
    '<a b/>',
    "<a b='1'c='2'/>",
    "<a  b='1'/>",
    "<a b='1' b='1'/>",
    "<a b = '1'/>",
    "<a b='<'/>",
    "<a b='&lt;'/>",
    "<a b='\t'/>",
    "<a xml:lang='en'/>",
    "<a xmlns:x='urn:x'/>",
    "<x:a xmlns:x='urn:x'/>",
    "<a xmlns=''/>",
    "<a xmlns=' urn:x'/>",
    "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
    '<_a/>',
    '<a.b/>',
    "<a __proto__='1'/>",
    '<a>]]></a>',
    '<a>&amp;</a>',
    '<a>\r</a>',
    '<a>\u007f</a>',
    '<a>\u0080</a>',
    '<a><!-- --></a>',
    '<a><![CDATA[]]></a>',
    '<a></a >',
    `${'<a>'.repeat(21)}${'</a>'.repeat(21)}`,
  ])('leaves to the tokenizer: %s', (text) => {
    expect(readPlainElement(text, 0, LIMITS)).toBeUndefined()
  })
})

const NAMES = ['a', 'message', 'iq', 'b-1', '_c', 'd.e', 'stream:f', 'x:g', 'constructor', '__proto__', 'É']
const ATTRIBUTES = ['id', 'to', 'xmlns', 'xmlns:x', 'xml:lang', 'x:y', 'type', '__proto__', 'hasOwnProperty', 'b.c']
const VALUES = [
  '',
  '1',
  'a@b/c',
  'urn:x',
  'jabber:client',
  ' urn:x',
  "it's",
  '"',
  '<',
  '&amp;',
  '&',
  '\n',
  '\r',
  'é',
  '>',
]
const TEXTS = [
  '',
  ' ',
  'text',
  'a > b',
  ']]>',
  '&lt;',
  '&#65;',
  '\n',
  '\r\n',
  '\t',
  'ж',
  '\u007f',
  '\0',
  '<!-- -->',
  '<![CDATA[x]]>',
]
const SPACES = [' ', ' ', ' ', ' ', ' ', '  ', '\n', '\t', '']

/** Elements as programs write them, now and then with something odd. */
function randomElement(random: (below: number) => number, depth = 0): string {
  // The first of each list are plain, and come more often.
  const pick = (list: readonly string[]) => list[random(3) === 0 ? random(list.length) : random(3)] ?? ''
  const name = pick(NAMES)
  let tag = `<${name}`
  for (let count = random(4); count > 0; count--) {
    const quote = random(2) === 0 ? '"' : "'"
    tag += `${pick(SPACES)}${pick(ATTRIBUTES)}=${quote}${pick(VALUES)}${quote}`
  }
  if (random(3) === 0) return `${tag}${random(4) === 0 ? ' ' : ''}/>`
  let inside = ''
  for (let count = random(4); count > 0; count--) {
    inside += random(2) === 0 || depth > 3 ? pick(TEXTS) : randomElement(random, depth + 1)
  }
  return `${tag}>${inside}</${random(20) === 0 ? pick(NAMES) : name}>`
}

describe('what is read without the tokenizer', () => {
  it.each([4, 5])('is the same as with it (seed %i)', (seed) => {
    const random = generator(seed)
    let plain = 0
    for (let round = 0; round < 4000; round++) {
      const text = Array.from({ length: 1 + random(3) }, () => randomElement(random)).join(random(3) === 0 ? '\n' : '')
      if (readPlainElement(text, 0, LIMITS) !== undefined) plain += 1
      const whole = record([`${OPEN}${text}`])
      // Octet by octet nothing is ever complete, so all of it goes to the tokenizer.
      const tokenized = record(octets(`${OPEN}${text}`))
      if (whole.events.join() !== tokenized.events.join()) expect(whole.events, text).toEqual(tokenized.events)
      if (whole.texts.join() !== tokenized.texts.join()) expect(whole.texts, text).toEqual(tokenized.texts)
      expect(whole.headers).toEqual(tokenized.headers)
    }
    expect(plain).toBeGreaterThan(500)
  })
})
