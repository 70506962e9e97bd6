import { describe, expect, it, vi } from 'vitest'
import type { Element } from '../../../src/xmpp/xml/element.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { FastReader } from '../../../src/xmpp/xml/fast-reader.ts'
import { type RootTag, TreeBuilder } from '../../../src/xmpp/xml/tree-builder.ts'
import { generator } from '../../pki/mutations.ts'
import { LIMITS, OPEN, octets, type Recording, record } from './stream-recorder.ts'

const CLIENT = "xmlns='jabber:client'"
const STREAM = "xmlns:stream='http://etherx.jabber.org/streams'"

interface Read<T> {
  readonly value: T | undefined
  readonly rest: string
}

function readerOf(text: string): FastReader {
  const octets = Buffer.from(text)
  return new FastReader(octets, octets.length, 'jabber:client')
}

function readHeader(text: string): Read<RootTag> {
  const reader = readerOf(text)
  const value = reader.readHeader(0, LIMITS)
  return { value, rest: Buffer.from(text).toString('utf8', reader.end) }
}

function readElement(text: string, scope = 'jabber:client'): Read<Element> {
  const reader = readerOf(`é${text}`)
  const value = reader.readElement(2, scope, LIMITS)
  return { value, rest: Buffer.from(`é${text}`).toString('utf8', reader.end) }
}

describe('FastReader, header', () => {
  it.each([
    [`<stream:stream ${CLIENT} ${STREAM} to='localhost' version='1.0'>`, { to: 'localhost', version: '1.0' }],
    [`<?xml version='1.0'?><stream:stream to="a" ${STREAM} ${CLIENT}>`, { to: 'a' }],
    [`<?xml version="1.0" encoding="UTF-8" ?><stream:stream ${CLIENT} ${STREAM}>`, {}],
    [`<stream:stream ${CLIENT} ${STREAM} xml:lang='en' from='a@b'>`, { 'xml:lang': 'en', from: 'a@b' }],
    [`<stream:stream ${CLIENT} ${STREAM} to='bücher.example' from='&amp;@b'>`, { to: 'bücher.example', from: '&@b' }],
  ])('%s', (text, attrs) => {
    const { value, rest } = readHeader(`${text}<presence/>`)
    expect(value).toEqual({
      name: 'stream',
      namespace: 'http://etherx.jabber.org/streams',
      contentNamespace: 'jabber:client',
      attrs,
    })
    expect(rest).toBe('<presence/>')
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
    ['an unknown entity', `<stream:stream ${CLIENT} ${STREAM} to='&auml;'>`],
    ['another version of XML', `<?xml version='1.1'?>${OPEN}`],
    ['a declaration in other letters', `<?XML version='1.0'?>${OPEN}`],
    ['another encoding', `<?xml version='1.0' encoding='latin1'?>${OPEN}`],
    ['a name in other characters', `<stream:stream ${CLIENT} ${STREAM} é='1'>`],
    [
      'too many attributes',
      `<stream:stream ${CLIENT} ${STREAM} ${'abcdefghijklmnopqrs'.replaceAll(/./g, "$&='' ")}to=''>`,
    ],
  ])('leaves to the tokenizer: %s', (_, text) => {
    expect(readHeader(text).value).toBeUndefined()
  })
})

describe('FastReader, element', () => {
  it.each([
    ['<presence/>', '<presence/>'],
    ['<presence />', '<presence/>'],
    ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>", undefined],
    ["<a b='1' xmlns='urn:x'/>", '<a xmlns="urn:x" b="1"/>'],
    [`<a b='"' c="'>"/>`, `<a b="&quot;" c="'&gt;"/>`],
    ['<a xmlns="urn:x"><b xmlns="urn:x"/><c xmlns="jabber:client"/></a>', undefined],
    ['<a xmlns="jabber:client"><b xmlns="jabber:client"/></a>', '<a><b/></a>'],
    ["<a xmlns='http://www.w3.org/1999/xhtml'/>", undefined],
    ["<a xmlns='urn:é'/>", undefined],
    ['<a>one\n<b>two</b>\tthree</a>', undefined],
    ['<a></a>', '<a/>'],
    ["<a xml:lang='en' lang='de'/>", undefined],
    ['<a>äЖ€😀\u007f\u0080\ud7ff\ue000\ufeff\ufffd\u{10ffff}</a>', undefined],
    ["<a b='äЖ€😀\ufeff'/>", undefined],
    ['<a>1 > 0, ] ]></a>', '<a>1 &gt; 0, ] ]&gt;</a>'],
    ['<a>&amp;&lt;&gt;&quot;&apos; &amp;lt;</a>', '<a>&amp;&lt;&gt;"\' &amp;lt;</a>'],
    ['<a>]]&gt; ]&#93;></a>', '<a>]]&gt; ]]&gt;</a>'],
    [`<a b='&apos;&quot;' c="&lt;é&amp;"/>`, `<a b="'&quot;" c="&lt;é&amp;"/>`],
    ['<a b="&#9;&#xA;&#13;">&#xd;&#228;&#x1F600;</a>', '<a b="&#x9;&#xA;&#xD;">&#xD;ä😀</a>'],
  ])('%s', (text, normal) => {
    const { value, rest } = readElement(`${text}<rest/>`)
    const expected = normal ?? text.replaceAll("'", '"').replace('<b xmlns="urn:x"/>', '<b/>')
    expect(value && serialize(value)).toBe(expected)
    expect(rest).toBe('<rest/>')
  })

  it.each([
    ['', '<a/>', '<a xmlns=""/>'],
    ['', "<a xmlns='jabber:client'><b/></a>", '<a><b/></a>'],
    ['jabber:server', '<a><b/></a>', '<a xmlns="jabber:server"><b/></a>'],
  ])('below a header with the default namespace "%s": %s', (scope, text, normal) => {
    const { value } = readElement(text, scope)
    expect(value && serialize(value)).toBe(normal)
  })

  it.each([
    '</stream:stream>',
    '<a>',
    '<a>text',
    '<a>ж',
    '<a><b></a></b>',
    '<a></ab>',
    '<ab></a>',
    '<a',
    "<a b='1",
    '<a b/>',
    "<a b='1'c='2'/>",
    "<a  b='1'/>",
    "<a b='1' b='1'/>",
    "<a b='é' b='é'/>",
    "<a b = '1'/>",
    "<a b='<'/>",
    "<a b='\t'/>",
    "<a b='\n'/>",
    "<a b='é\r'/>",
    "<a b='&'/>",
    "<a b='&nbsp;'/>",
    "<a b='\uffff'/>",
    "<a xmlns:x='urn:x'/>",
    "<x:a xmlns:x='urn:x'/>",
    "<a x:b='1'/>",
    "<a xmlns=''/>",
    "<a xmlns=' urn:x'/>",
    "<a xmlns='urn:x&#10;'/>",
    "<a xmlns='\u00a0urn:x'/>",
    "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
    "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
    '<_a/>',
    '<é/>',
    '<a.b/>',
    "<a __proto__='1'/>",
    '<a>]]></a>',
    '<a>é]]></a>',
    '<a>&</a>',
    '<a>&;</a>',
    '<a>&amp</a>',
    '<a>&auml;</a>',
    '<a>&constructor;</a>',
    '<a>&#0;</a>',
    '<a>&#xD800;</a>',
    '<a>&#xFFFE;</a>',
    '<a>&#x110000;</a>',
    '<a>&#X41;</a>',
    '<a>\r</a>',
    '<a>é\r\n</a>',
    '<a>\0</a>',
    '<a>é\u001f</a>',
    '<a>\ufffe</a>',
    '<a>\uffff</a>',
    '<a><!-- --></a>',
    '<a><![CDATA[]]></a>',
    '<a><?b?></a>',
    '<a></a >',
    `${'<a>'.repeat(21)}${'</a>'.repeat(21)}`,
  ])('leaves to the tokenizer: %s', (text) => {
    expect(readElement(text).value).toBeUndefined()
  })

  it('does not look behind the octets that it may read', () => {
    const reader = new FastReader(Buffer.from('<a>é</a>'), 8, 'jabber:client')
    expect(reader.readElement(0, 'jabber:client', LIMITS)).toBeUndefined()
  })
})

describe('the tokenizer', () => {
  /** What it is given while these chunks are read; the stream itself has a plain header. */
  function tokenized(chunks: Iterable<Uint8Array | string>): { given: string; events: string[] } {
    const write = vi.spyOn(TreeBuilder.prototype, 'write')
    try {
      const { events } = record(chunks)
      return { given: write.mock.calls.join(''), events }
    } finally {
      write.mockRestore()
    }
  }
  const message = (body: string) => `<message to='bob@localhost' xml:lang='de'><body>${body}</body></message>`

  it.each(['plain', 'ä', 'Привет', '&apos;', '&#39;', '😀', '1 > 0', '日本\n語'])('is not needed for %s', (body) => {
    const { given, events } = tokenized([OPEN, message(body), message(body).repeat(3)])
    expect(given).toBe('')
    expect(events).toHaveLength(5)
    expect(tokenized([`<?xml version='1.0'?>${OPEN}\n${message(body)}`]).given).toBe('')
  })

  it('is given what it is needed for, and none of the others in the same chunk', () => {
    const { given, events } = tokenized([OPEN, `${message('ä')} ${message('<![CDATA[ö]]>')}\n${message('ü')}<a/>`])
    expect(given).toContain('ö')
    expect(given).not.toMatch(/[äü]|<a/)
    expect(events).toHaveLength(5)
  })

  it('is given a stanza that is cut, and not what follows it', () => {
    const chunks = Buffer.from(OPEN + message('😀') + message('ж') + message('ä'))
    const first = Buffer.from(OPEN).length
    for (let at = first + 1; at < first + Buffer.from(message('😀')).length; at++) {
      const { given, events } = tokenized([chunks.subarray(0, at), chunks.subarray(at)])
      expect(given).toContain('😀')
      expect(given).not.toMatch(/[жä]/)
      expect(events).toHaveLength(4)
    }
  })

  it.each([
    ['whole', (header: string) => [header]],
    ['octet by octet', octets],
  ])('is not needed behind a header that it was needed for, %s', (_, cut) => {
    const header = `<?xml version='1.0' standalone='yes'?><s:stream ${CLIENT} ${STREAM.replace(':stream', ':s')}>`
    function* chunks() {
      yield* cut(header)
      yield message('ж')
    }
    const { given, events } = tokenized(chunks())
    expect(given).toBe(header)
    expect(events.at(-1)).toContain('ж')
  })

  it('is given a stanza of many chunks at once, which is not read twice', () => {
    const body = 'é'.repeat(4000)
    function* chunks() {
      yield OPEN
      yield* octets(message(body))
      yield message('x')
    }
    const readElement = vi.spyOn(FastReader.prototype, 'readElement')
    const { given } = tokenized(chunks())
    expect(given).toContain(body)
    expect(readElement).toHaveBeenCalledTimes(2)
    readElement.mockRestore()
  })
})

/** Of each of these lists the first six are plain. */
const NAMES = [
  ...['a', 'message', 'iq', 'b-1', 'body', 'x', '_c', 'd.e', 'stream:f', 'x:g', 'constructor', '__proto__', 'É'],
]
const ATTRIBUTES = [
  ...['id', 'to', 'from', 'xmlns', 'xml:lang', 'type', 'xmlns:x', 'x:y', '__proto__', 'hasOwnProperty', 'b.c', 'é'],
]
const VALUES = [
  ...[
    '',
    '1',
    'a@b/c',
    'urn:x',
    'jabber:client',
    'ä',
    '&amp;',
    '&#39;😀',
    ' urn:x',
    'urn:é',
    "it's",
    '"',
    '<',
    '&',
    '&#9;',
  ],
  ...['\n', '\r', 'é\t', '>', ']]>', '&nbsp;', '&#0;', '\u00a0x', '&#x20;x', '\uffff', '\ufeff', '\u0001'],
]
const TEXTS = [
  ...[
    '',
    ' ',
    'text',
    'ж',
    '&apos;',
    '😀',
    'a > b',
    ']]>',
    '>',
    ']',
    ']]',
    ']]&gt;',
    '&lt;',
    '&#65;',
    '&#xD;',
    '&#x110000;',
  ],
  ...[
    '\n',
    '\r\n',
    'é\r',
    '\t',
    '\u007f',
    '\u0085',
    '\u2028',
    '\0',
    '\ufffe',
    'é\u0002',
    '&',
    '&;',
    '&amp',
    '&é;',
    ';',
  ],
  ...['<!-- -->', '<![CDATA[x]]>', '<![CDATA[é]]>', '<?x?>', '</a>'],
]
const SPACES = [' ', ' ', ' ', ' ', ' ', ' ', '  ', '\n', '\t', '']

/** Elements as programs write them, now and then with something odd. */
function randomElement(random: (below: number) => number, depth = 0): string {
  const pick = (list: readonly string[]) => list[random(12) === 0 ? random(list.length) : random(6)] ?? ''
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

/** A text in chunks of any size, characters cut too. */
function* cut(text: string, random: (below: number) => number): Generator<Buffer> {
  const whole = Buffer.from(text)
  for (let at = 0; at < whole.length; ) {
    const to = at + 1 + random(random(2) === 0 ? 8 : 80)
    yield whole.subarray(at, to)
    at = to
  }
}

function same(actual: Recording, expected: Recording, input: string): void {
  // Compared as text first: thousands of deep comparisons would take longer than the parsing.
  const text = ({ events, texts }: Recording) => events.concat(texts).join()
  if (text(actual) !== text(expected)) expect(actual, input).toEqual(expected)
  expect(actual.headers).toEqual(expected.headers)
}

describe('what is read without the tokenizer', () => {
  const roots = [OPEN, OPEN.replace('jabber:client', 'jabber:server'), "<s:stream xmlns:s='urn:x' xmlns:x='urn:y'>"]

  it.each([
    [4, 'jabber:client'],
    [5, 'jabber:client'],
    [6, 'jabber:server'],
    [7, 'urn:x'],
  ])('is the same as with it (seed %i, content namespace %s)', (seed, contentNamespace) => {
    const random = generator(seed)
    const read = (chunks: Iterable<Uint8Array | string>) => record(chunks, LIMITS, undefined, contentNamespace)
    let fast = 0
    for (let round = 0; round < 2000; round++) {
      const text = Array.from({ length: 1 + random(3) }, () => randomElement(random)).join(random(3) === 0 ? '\n' : '')
      if (readElement(text).value !== undefined) fast += 1
      const input = `${roots[random(8)] ?? OPEN}${text}`
      // Octet by octet nothing is ever complete, so all of it goes to the tokenizer.
      const tokenized = read(octets(input))
      same(read([input]), tokenized, input)
      same(read(cut(input, random)), tokenized, input)
    }
    expect(fast).toBeGreaterThan(800)
  })

  it('is the same as with it, wherever one chunk ends', () => {
    const text = `${OPEN}<a b='ä&#228;'>😀 &amp;\n</a><b/>\n<c>&lt;ж<![CDATA[é]]></c><d>€</d></stream:stream>`
    const expected = record(octets(text))
    const whole = Buffer.from(text)
    expect(expected.events).toHaveLength(6)
    for (let at = 0; at <= whole.length; at++) {
      expect(record([whole.subarray(0, at), whole.subarray(at)]), `cut at ${at}`).toEqual(expected)
    }
  })

  it('stops at the same octets', () => {
    const text = `${OPEN}<a>é</a>  <b/>ж</stream:stream>`
    for (const stopAt of ['open', '<a>é</a>', '<b/>']) {
      expect(record([text], LIMITS, stopAt)).toEqual(record(octets(text), LIMITS, stopAt))
    }
  })

  it('has the same limits, in octets', () => {
    const limits = { stanzaBytes: 160, depth: 2, attributes: 4 }
    const rows: [input: string, ok: boolean][] = [
      [`<a>${'é'.repeat(76)}x</a>`, true],
      [`<a>${'é'.repeat(77)}</a>`, false],
      [`<a>${'&#228;'.repeat(25)}</a>`, true],
      [`<a>${'&#228;'.repeat(26)}</a>`, false],
      [`<a>${'😀'.repeat(38)}</a>`, true],
      [`<a>${'😀'.repeat(39)}</a>`, false],
      ["<a b='é' c='' d='' e=''><b/></a>", true],
      ["<a b='é' c='' d='' e='' f=''/>", false],
      ['<a><b>é</b></a>', true],
      ['<a><b><c>é</c></b></a>', false],
    ]
    for (const [input, ok] of rows) {
      const { events } = record([OPEN + input], limits)
      expect(events, input).toEqual(ok ? ['open', expect.any(String)] : ['open', 'fault policy-violation'])
      expect(record(octets(OPEN + input), limits).events).toEqual(events)
    }
  })
})
