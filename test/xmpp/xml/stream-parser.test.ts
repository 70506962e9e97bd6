import { describe, expect, it } from 'vitest'
import { type Element, namespaceOf, serialize } from '../../../src/xmpp/xml/element.ts'
import { StreamParser } from '../../../src/xmpp/xml/stream-parser.ts'
import { heldBytes, leastGrowth } from '../../support/processes/growth.ts'
import { LIMITS, OPEN, octets, record } from './stream-recorder.ts'

/** Inside a stream: what arrives → what is emitted, in the normal form that may be sent to anybody else. */
const accepted: [name: string, input: string, ...events: string[]][] = [
  ['a stanza', "<message to='a@b'><body>hi</body></message>", '<message to="a@b"><body>hi</body></message>'],
  ['several stanzas', '<presence/><presence/>', '<presence/>', '<presence/>'],
  ['white space between stanzas (§4.6.1)', ' \n\t\r\n<presence/>  \r', '<presence/>'],
  ['text with a bare >', '<a>1 > 0</a>', '<a>1 &gt; 0</a>'],
  ['a > in an attribute', '<a b=\'>\' c=">>"/>', '<a b="&gt;" c="&gt;&gt;"/>'],
  ['the five entities (§11.1)', '<a b="&quot;&apos;">&amp;&lt;&gt;</a>', '<a b="&quot;\'">&amp;&lt;&gt;</a>'],
  ['character references', '<a b="&#9;&#10;">&#65;&#x1F600;&#xD;</a>', '<a b="&#x9;&#xA;">A😀&#xD;</a>'],
  ['line ends (XML §2.11)', '<a b="1\r\n2">1\r\n2\r3</a>', '<a b="1 2">1\n2\n3</a>'],
  ['CDATA', '<a>x<![CDATA[<!-- & ]] > ?>]]>y<![CDATA[]]></a>', '<a>x&lt;!-- &amp; ]] &gt; ?&gt;y</a>'],
  [']] and ]]]> at the end of CDATA', '<a><![CDATA[]]]]]></a>', '<a>]]]</a>'],
  ['U+FEFF in text is a character (§11.6)', '<a>\ufeff</a>', '<a>\ufeff</a>'],
  ['white space in tags', "<a\n b = 'c'\t></a >", '<a b="c"/>'],
  ['an attribute called __proto__', "<a __proto__='1' constructor='2'/>", '<a __proto__="1" constructor="2"/>'],
  ['an element called __proto__', '<__proto__/>', '<__proto__/>'],
  ['another namespace', "<a xmlns='urn:x'><b/></a>", '<a xmlns="urn:x"><b/></a>'],
  ['no namespace', "<a xmlns=''><b xmlns='jabber:client'/></a>", '<a xmlns=""><b xmlns="jabber:client"/></a>'],
  ['a prefix for the content namespace', "<x:a xmlns:x='jabber:client'><x:b/></x:a>", '<a><b/></a>'],
  [
    'a prefix of the header',
    '<stream:a><b/></stream:a>',
    '<a xmlns="http://etherx.jabber.org/streams"><b xmlns="jabber:client"/></a>',
  ],
  ['a redundant declaration', "<a xmlns='jabber:client'><b xmlns='jabber:client'/></a>", '<a><b/></a>'],
  ['xml:lang', "<a xml:lang='en' lang='de'/>", '<a xml:lang="en" lang="de"/>'],
  ['a prefixed attribute', "<a xmlns:p='urn:p'><b p:x='1' x='2'/></a>", '<a><b xmlns:p="urn:p" p:x="1" x="2"/></a>'],
  [
    'a prefix bound anew',
    "<a xmlns:p='urn:1' p:x='1'><p:b xmlns:p='urn:2' p:x='2'/><p:c p:x='3'/></a>",
    '<a xmlns:p="urn:1" p:x="1"><b xmlns="urn:2" xmlns:p="urn:2" p:x="2"/><c xmlns="urn:1" xmlns:p="urn:1" p:x="3"/></a>',
  ],
  ['the prefix stream bound anew', "<stream:a xmlns:stream='urn:x'/>", '<a xmlns="urn:x"/>'],
  ['the end of the stream', '<presence/></stream:stream>', '<presence/>', 'close'],
  ['anything after the end', '</stream:stream>\n<presence/><', 'close'],
]

/** Inside a stream: input → fault. Nothing of the offending element is emitted. */
const refused: [name: string, condition: string, input: string][] = [
  ['comment (§11.1)', 'restricted-xml', '<a><!-- x --></a>'],
  ['comment between stanzas', 'restricted-xml', '<!-- x --><a/>'],
  ['comment that never ends', 'restricted-xml', '<!--'],
  ['processing instruction', 'restricted-xml', '<?php x?>'],
  ['processing instruction in a stanza', 'restricted-xml', '<a><?x?></a>'],
  ['second XML declaration', 'restricted-xml', "<?xml version='1.0'?>"],
  ['DOCTYPE', 'restricted-xml', '<!DOCTYPE x [<!ENTITY y "z">]>'],
  ['DOCTYPE that never ends', 'restricted-xml', '<!DOCTYPE'],
  ['ENTITY', 'restricted-xml', '<a><!ENTITY x "y"></a>'],
  ['unknown entity in text', 'restricted-xml', '<a>&nbsp;</a>'],
  ['unknown entity in an attribute', 'restricted-xml', '<a b="&lol;"/>'],
  ['text between stanzas', 'bad-format', '<a/>x<b/>'],
  ['reference between stanzas', 'bad-format', '&#32;<b/>'],
  ['CDATA between stanzas', 'bad-format', '<![CDATA[ ]]>'],
  ['U+FEFF between stanzas (§11.6)', 'bad-format', '\ufeff<a/>'],
  ['bare ampersand', 'not-well-formed', '<a>AT&T</a>'],
  ['ampersand at the end', 'not-well-formed', '<a>x&</a>'],
  ['empty reference', 'not-well-formed', '<a>&;</a>'],
  ['reference to NUL', 'not-well-formed', '<a>&#0;</a>'],
  ['reference to a surrogate', 'not-well-formed', '<a>&#xD800;</a>'],
  ['reference to a non-character', 'not-well-formed', '<a>&#xFFFE;</a>'],
  ['reference beyond Unicode', 'not-well-formed', '<a>&#x110000;</a>'],
  ['hexadecimal digits without x', 'not-well-formed', '<a>&#ab;</a>'],
  ['endless reference', 'policy-violation', `<a>&#${'0'.repeat(40)}65;</a>`],
  ['mismatched tags', 'not-well-formed', '<a><b></a></b>'],
  ['mismatched top-level tag', 'not-well-formed', '<a></b>'],
  ['close of the stream inside a stanza', 'not-well-formed', '<a></stream:stream>'],
  ['close of something never opened', 'not-well-formed', '</a>'],
  ['tag in a tag', 'not-well-formed', '<a<b/>'],
  ['empty tag', 'not-well-formed', '<></>'],
  ['two attributes with one name', 'not-well-formed', "<a b='1' b='2'/>"],
  ['two attributes with one expanded name', 'not-well-formed', "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>"],
  ['attribute without quotes', 'not-well-formed', '<a b=c/>'],
  ['attribute without value', 'not-well-formed', '<a b/>'],
  ['attributes without space', 'not-well-formed', "<a b='1'c='2'/>"],
  ['< in an attribute', 'not-well-formed', "<a b='<'/>"],
  ['control character in text', 'not-well-formed', '<a>\x07</a>'],
  ['control character in an attribute', 'not-well-formed', "<a b='\x00'/>"],
  ['non-character', 'not-well-formed', '<a>\uffff</a>'],
  [']]> in text', 'not-well-formed', '<a>]]></a>'],
  ['unbound prefix (§4.9.3.13)', 'not-well-formed', '<x:a/>'],
  ['unbound prefix of an attribute', 'not-well-formed', "<a x:b='1'/>"],
  ['prefix of a sibling', 'not-well-formed', "<a xmlns:x='u'/><x:b/>"],
  ['undeclared prefix', 'not-well-formed', "<a xmlns:x=''/>"],
  ['prefix xml bound anew', 'not-well-formed', "<a xmlns:xml='u'/>"],
  ['prefix for the xml namespace', 'not-well-formed', "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>"],
  ['prefix xmlns', 'not-well-formed', '<xmlns:a/>'],
  ['two colons', 'not-well-formed', "<x:a:b xmlns:x='u'/>"],
  ['local name that is not a name', 'not-well-formed', "<x:1 xmlns:x='jabber:client'/>"],
  ['local name that starts with a hyphen', 'not-well-formed', "<x:-a xmlns:x='jabber:client'/>"],
  ['attribute whose local name is not a name', 'not-well-formed', "<a xmlns:x='u' x:1='2'/>"],
  ['prefix that is not a name', 'not-well-formed', "<a xmlns:1='u'/>"],
  ['UTF-16', 'not-well-formed', '<\0a\0/\0>\0'],
]

/** From the first octet: input → events. */
const beginnings: [name: string, input: string | number[], ...events: string[]][] = [
  ['XML declaration', `<?xml version='1.0'?>${OPEN}`, 'open'],
  ['XML declaration with encoding', `<?xml version="1.0" encoding="utf-8" standalone='yes' ?>\n${OPEN}`, 'open'],
  ['white space before the header', `\r\n ${OPEN}`, 'open'],
  ['white space before the declaration', `\n<?xml version='1.0'?>${OPEN}`, 'open'],
  ['XML declaration in capitals', `<?XML version='1.0'?>${OPEN}`, 'fault restricted-xml'],
  ['XML declaration with VERSION', `<?xml VERSION='1.0'?>${OPEN}`, 'fault not-well-formed'],
  ['XML 1.1', "<?xml version='1.1'?>", 'fault not-well-formed'],
  ['UTF-16 declared (§11.6)', "<?xml version='1.0' encoding='UTF-16'?>", 'fault unsupported-encoding'],
  ['ISO 8859-1 declared', "<?xml version='1.0' encoding='iso-8859-1'?>", 'fault unsupported-encoding'],
  ['declaration without version', "<?xml encoding='utf-8'?>", 'fault not-well-formed'],
  ['two declarations', "<?xml version='1.0'?><?xml version='1.0'?>", 'fault restricted-xml'],
  ['xml-stylesheet', "<?xml-stylesheet href='x'?>", 'fault restricted-xml'],
  ['DOCTYPE', '<!DOCTYPE stream>', 'fault restricted-xml'],
  ['comment', '<!---->', 'fault restricted-xml'],
  ['CDATA', '<![CDATA[', 'fault not-well-formed'],
  ['byte order mark (§11.6)', `\ufeff${OPEN}`, 'fault not-well-formed'],
  ['UTF-16 byte order mark', [0xff, 0xfe, 0x3c, 0x00], 'fault unsupported-encoding'],
  ['HTTP', 'GET / HTTP/1.1\r\n', 'fault not-well-formed'],
  ['TLS', [0x16, 0x03, 0x01, 0x02, 0x00], 'fault not-well-formed'],
  ['end before the header', '</stream:stream>', 'fault not-well-formed'],
  ['an empty stream', '<stream/>', 'open', 'close'],
  ['unbound prefix', "<stream:stream to='a'>", 'fault not-well-formed'],
]

const chunkings: [name: string, (input: Uint8Array) => Iterable<Uint8Array>][] = [
  ['in one chunk', (input) => [input]],
  ['octet by octet', octets],
]

describe.each(chunkings)('StreamParser, %s', (_, cut) => {
  it.each(accepted)('reads %s', (_name, input, ...events) => {
    expect(record(cut(Buffer.from(OPEN + input))).events).toEqual(['open', ...events])
  })

  it.each(refused)('refuses %s with %s', (_name, condition, input) => {
    const { events } = record(cut(Buffer.from(`${OPEN}${input}<after/>`)))
    expect(events.at(-1)).toBe(`fault ${condition}`)
    expect(events.filter((event) => event !== '<a/>')).toEqual(['open', `fault ${condition}`])
  })

  it.each(beginnings)('begins with %s', (_name, input, ...events) => {
    expect(record(cut(Buffer.from(input as string))).events).toEqual(events)
  })
})

describe('StreamParser, header', () => {
  it('reports names, namespaces and attributes as sent', () => {
    const { headers } = record([
      "<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' xmlns:db='u' db:id='x' to='a' xml:lang='de'>",
    ])
    expect(headers).toEqual([
      {
        name: 'stream',
        namespace: 'http://etherx.jabber.org/streams',
        contentNamespace: 'jabber:server',
        attrs: { to: 'a', 'xml:lang': 'de' },
      },
    ])
  })

  it('names a missing content namespace', () => {
    expect(record(["<s:stream xmlns:s='http://etherx.jabber.org/streams'>"]).headers[0]?.contentNamespace).toBe('')
  })

  it('keeps stanzas of another content namespace apart', () => {
    const { events } = record(["<s:stream xmlns='jabber:server' xmlns:s='u'><message/>"])
    expect(events).toEqual(['open', '<message xmlns="jabber:server"/>'])
  })
})

describe.each(chunkings)('StreamParser, content namespace, %s', (_, cut) => {
  const open = (contentNamespace: string) =>
    `<stream:stream xmlns='${contentNamespace}' xmlns:stream='http://etherx.jabber.org/streams'>`
  const read = (text: string, contentNamespace: string) =>
    record(cut(Buffer.from(text)), LIMITS, undefined, contentNamespace)

  it.each(['jabber:client', 'jabber:server', 'jabber:component:accept', 'urn:a&amp;b'])('%s', (escaped) => {
    const stanza = "<message><body>é</body><x xmlns='urn:x'/></message>"
    const contentNamespace = escaped.replace('&amp;', '&')
    const { events, headers } = read(`${open(escaped)}${stanza}<![CDATA[`, contentNamespace)
    expect(events).toEqual(['open', stanza.replaceAll("'", '"'), 'fault bad-format'])
    expect(headers[0]?.contentNamespace).toBe(contentNamespace)
  })

  it.each([
    ['<message/>', '<message/>'],
    ["<message xmlns='jabber:server'><body/></message>", '<message><body/></message>'],
    ["<x:message xmlns:x='jabber:server'/>", '<message/>'],
    ["<message xmlns='jabber:client'/>", '<message xmlns="jabber:client"/>'],
    ["<a xmlns='urn:x'><b xmlns='jabber:server'/></a>", '<a xmlns="urn:x"><b xmlns="jabber:server"/></a>'],
  ])('jabber:server leaves it out of trees: %s', (input, event) => {
    expect(read(open('jabber:server') + input, 'jabber:server').events).toEqual(['open', event])
  })

  it.each(['jabber:client', 'urn:x'])('is kept where the header says otherwise: %s', (declared) => {
    const { events, headers } = read(`${open(declared)}<message><body>é</body></message>`, 'jabber:server')
    expect(headers[0]?.contentNamespace).toBe(declared)
    expect(events).toEqual(['open', `<message xmlns="${declared}"><body>é</body></message>`])
  })

  it('is left out of stanzas that name it themselves, as over WebSocket (RFC 7395 §3.3.3)', () => {
    const { events } = read("<open><message xmlns='jabber:client'><body>é</body></message><a/>", 'jabber:client')
    expect(events).toEqual(['open', '<message><body>é</body></message>', '<a xmlns=""/>'])
  })
})

describe('StreamParser, UTF-8', () => {
  const rows: [name: string, octets: number[]][] = [
    ['lone continuation', [0x80]],
    ['overlong slash', [0xc0, 0xaf]],
    ['overlong three', [0xe0, 0x80, 0xaf]],
    ['surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['five-octet form', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['cut short', [0xe2, 0x82, 0x3c]],
    ['cut short by another', [0xf0, 0xf0, 0x9f, 0x98, 0x80]],
    ['FF', [0xff]],
  ]
  it.each(rows)('refuses %s wherever the chunks are cut (§4.9.3.22)', (_name, bad) => {
    const before = Buffer.from(`${OPEN}<a/><b>é`)
    const input = Buffer.concat([before, Buffer.from(bad), Buffer.from('xyz</b>')])
    for (let at = before.length - 2; at < input.length; at++) {
      const { events } = record([input.subarray(0, at), input.subarray(at)])
      expect(events).toEqual(['open', '<a/>', 'fault unsupported-encoding'])
    }
  })

  it('reports a fault before the bad octets first', () => {
    const input = Buffer.concat([Buffer.from(`${OPEN}<a<b`), Buffer.from([0xff])])
    expect(record([input]).events).toEqual(['open', 'fault not-well-formed'])
  })

  it('does not look at octets after the stop', () => {
    const input = Buffer.concat([Buffer.from(`${OPEN}<starttls/>`), Buffer.from([0x16, 0x03, 0xff])])
    const { events } = record([input], LIMITS, '<starttls/>')
    expect(events).toEqual(['open', '<starttls/>'])
  })
})

describe('StreamParser, stop', () => {
  it.each([
    ['in the header', 'open', `${OPEN}<a/>`, '<a/>'],
    ['in an element', '<é/>', `${OPEN}<é/><b>é</b> `, '<b>é</b> '],
    ['with white space left', '<a/>', `${OPEN}<a/>\n`, '\n'],
    ['with nothing left', '<a/>', `${OPEN}<a/>`, ''],
  ])('%s leaves the rest unread', (_name, stopAt, input, rest) => {
    const recording = record([input], LIMITS, stopAt)
    expect(recording.events.at(-1)).toBe(stopAt)
    expect(recording.rest).toBe(rest)
    expect(record(octets(input), LIMITS, stopAt)).toEqual(recording)
  })

  it('says undefined when nothing is left, and goes on with the next chunk', () => {
    const events: string[] = []
    const stop = (event: string) => {
      events.push(event)
      parser.stop()
    }
    const parser = new StreamParser(
      { open: () => stop('open'), element: ({ name }) => stop(name), close: () => stop('close'), fault: stop },
      LIMITS,
    )
    expect(parser.write(Buffer.from(OPEN))).toBeUndefined()
    expect(parser.write(Buffer.from('<a/><b/>'))).toEqual(Buffer.from('<b/>'))
    expect(parser.write(Buffer.from('<b/></stream:stream>'))).toEqual(Buffer.from('</stream:stream>'))
    expect(parser.write(Buffer.from('</stream:stream>x'))).toBeUndefined()
    expect(parser.write(Buffer.from('x'))).toBeUndefined()
    expect(events).toEqual(['open', 'a', 'b', 'close'])
  })

  it('keeps the end of an empty stream for the next chunk', () => {
    const events: string[] = []
    const parser = new StreamParser(
      { open: () => parser.stop(), element() {}, close: () => events.push('close'), fault: (c) => events.push(c) },
      LIMITS,
    )
    expect(parser.write(Buffer.from('<stream/>x'))).toEqual(Buffer.from('x'))
    expect(events).toEqual([])
    parser.write(Buffer.from('x'))
    expect(events).toEqual(['close'])
  })

  it('leaves an incomplete character unread', () => {
    const euro = Buffer.from('€')
    const input = Buffer.concat([Buffer.from(`${OPEN}<a/>`), euro.subarray(0, 2)])
    const parser = new StreamParser({ open() {}, element: () => parser.stop(), close() {}, fault() {} }, LIMITS)
    expect(parser.write(input)).toEqual(euro.subarray(0, 2))
  })

  it('can read on with the rest and what follows it, an incomplete character too', () => {
    const bodies: string[] = []
    const element = (e: Element) => {
      bodies.push(serialize(e))
      parser.stop()
    }
    const parser = new StreamParser({ open() {}, element, close() {}, fault: (c) => bodies.push(c) }, LIMITS)
    const input = Buffer.from(`${OPEN}<a/><b>€</b>`)
    const rest = parser.write(input.subarray(0, -5)) as Uint8Array
    parser.write(Buffer.concat([rest, input.subarray(-5)]))
    expect(bodies).toEqual(['<a/>', '<b>€</b>'])
  })

  it('allows a restart with the rest (§4.3.3)', () => {
    const { rest } = record([`${OPEN}<auth/>\n${OPEN}<iq/>`], LIMITS, '<auth/>')
    expect(record([rest]).events).toEqual(['open', '<iq/>'])
  })
})

describe('StreamParser, limits', () => {
  const limits = { stanzaBytes: 200, depth: 3, attributes: 4 }
  const pad = (octets: number) => `<a b='${'x'.repeat(octets - 9)}'/>`
  const rows: [name: string, input: string, ok: boolean][] = [
    ['a stanza of the allowed size', pad(200), true],
    ['many stanzas of the allowed size', pad(200).repeat(50), true],
    ['a stanza that is an octet too long', pad(201), false],
    ['octets, not characters', `<a>${'é'.repeat(97)}</a>`, false],
    ['text that is too long', `<a>${'x'.repeat(200)}`, false],
    ['white space inside a stanza', `<a>${' '.repeat(200)}`, false],
    ['white space between stanzas', `${' '.repeat(5000)}<a/>${'\n'.repeat(5000)}<a/>`, true],
    ['CDATA that is too long', `<a><![CDATA[${'>'.repeat(200)}`, false],
    ['a tag name that is too long', `<${'a'.repeat(200)}`, false],
    ['the allowed depth', '<a><b><c/><c/></b><b/></a>', true],
    ['too deep', '<a><b><c><d/></c></b></a>', false],
    ['the allowed attributes', "<a b='' c='' d='' e=''/>", true],
    ['an attribute too many', "<a b='' c='' d='' e='' f=''/>", false],
    ['a declaration too many', "<a b='' c='' d='' e='' xmlns:f='f'/>", false],
    ['attributes count for one element', "<a b='' c='' d=''><b b='' c='' d=''/></a>", true],
  ]
  it.each(rows)('%s', (_name, input, ok) => {
    const { events } = record([OPEN, input], limits)
    expect(events.includes('fault policy-violation')).toBe(!ok)
    expect(events.some((event) => event.startsWith('<'))).toBe(ok)
    expect(record(octets(OPEN + input), limits).events).toEqual(events)
    expect(record([OPEN + input], limits).events).toEqual(events)
  })

  it('limits the header too', () => {
    expect(record([`<stream to='${'x'.repeat(200)}`], limits).events).toEqual(['fault policy-violation'])
  })

  it('reports a fault within the limit first', () => {
    const input = `${OPEN}<a<${'x'.repeat(500)}`
    expect(record([input], limits).events).toEqual(['open', 'fault not-well-formed'])
    expect(record(octets(input), limits).events).toEqual(['open', 'fault not-well-formed'])
  })

  it('takes other limits at once', () => {
    const faults: string[] = []
    const parser = new StreamParser({ open() {}, element() {}, close() {}, fault: (c) => faults.push(c) }, limits)
    parser.write(Buffer.from(`${OPEN}<a>${'x'.repeat(100)}`))
    parser.setLimits({ stanzaBytes: 400, depth: 5, attributes: 5 })
    parser.write(Buffer.from(`<b><c><d e='' f='' g='' h='' i=''/></c></b>${'x'.repeat(100)}`))
    expect(faults).toEqual([])
    parser.setLimits(limits)
    parser.write(Buffer.from('x'))
    expect(faults).toEqual(['policy-violation'])
  })

  it('stops 100,000 levels at the limit', () => {
    const { events } = record([OPEN, '<a>'.repeat(100_000)], {
      ...LIMITS,
      stanzaBytes: 1_000_000,
    })
    expect(events).toEqual(['open', 'fault policy-violation'])
  })

  it('keeps nothing of a 10 MB attribute beyond the limit', () => {
    const faults: string[] = []
    const parser = new StreamParser({ open() {}, element() {}, close() {}, fault: (c) => faults.push(c) }, LIMITS)
    parser.write(Buffer.from(`${OPEN}<a b='`))
    const chunk = Buffer.alloc(1000, 'x')
    let written = 0
    while (faults.length === 0) {
      parser.write(chunk)
      written += chunk.length
    }
    expect(faults).toEqual(['policy-violation'])
    expect(written).toBeLessThanOrEqual(LIMITS.stanzaBytes + chunk.length)
  })

  it.each([
    ['white space', ' '],
    ['stanzas', '<a/>'],
    ['a faulty stream', '<!'],
  ])('holds no memory for a flood of %s', async (_name, text) => {
    const parser = new StreamParser({ open() {}, element() {}, close() {}, fault() {} }, LIMITS)
    parser.write(Buffer.from(OPEN))
    const chunk = Buffer.from(text.repeat(65_536 / text.length))
    const flood = () => {
      for (let i = 0; i < 24; i++) parser.write(chunk)
    }
    // Half of the 1.5 MB that are written.
    expect(await leastGrowth(flood, heldBytes, 750_000)).toBeLessThan(750_000)
    parser.write(chunk)
  })

  it('ends at the first of many errors', () => {
    const { events } = record([`${OPEN}<a>${'\x01'.repeat(200_000)}`], {
      ...LIMITS,
      stanzaBytes: 262_144,
    })
    expect(events).toEqual(['open', 'fault not-well-formed'])
  })
})

describe('StreamParser, fault texts', () => {
  it.each([
    ['unbound prefix', `<${'x'.repeat(50)}secret:a/>`, 'unbound namespace prefix'],
    ['size', `<a>${'x'.repeat(LIMITS.stanzaBytes)}`, 'a stanza may have at most 10000 octets'],
    ['depth', '<a>'.repeat(30), 'elements may be nested at most 20 deep'],
  ])('do not quote the input: %s', (_name, input, text) => {
    expect(record([OPEN, input]).texts).toEqual([text])
  })
})

describe('StreamParser, chunk boundaries', () => {
  const input = `<?xml version='1.0'?>\n${OPEN}\n<message to='é@x' xml:lang='ru'><body>Привет &amp; <![CDATA[<ж>]]> 😀\r\n</body>
<x xmlns='u' xmlns:p='v' p:q='"'/></message> <presence/></stream:stream>`
  const octetsOf = Buffer.from(input)
  const whole = record([octetsOf])

  it('makes no difference where one is', () => {
    expect(whole.events).toHaveLength(4)
    for (let at = 0; at <= octetsOf.length; at++) {
      expect(record([octetsOf.subarray(0, at), octetsOf.subarray(at)]), `cut at ${at}`).toEqual(whole)
    }
  })

  it('makes no difference where two are', () => {
    for (let at = 0; at < octetsOf.length; at += 11) {
      for (let to = at; to < octetsOf.length; to += 13) {
        const chunks = [octetsOf.subarray(0, at), octetsOf.subarray(at, to), octetsOf.subarray(to)]
        expect(record(chunks).events).toEqual(whole.events)
      }
    }
  })
})

describe('StreamParser, what it emits', () => {
  const parse = (input: string): Element[] => {
    const elements: Element[] = []
    const parser = new StreamParser(
      {
        open() {},
        element: (e) => elements.push(e),
        close() {},
        fault: (c, t) => elements.push(fail(c, t)),
      },
      LIMITS,
    )
    parser.write(Buffer.from(OPEN + input))
    return elements
  }
  const fail = (condition: string, text: string): never => {
    throw new Error(`${condition}: ${text}`)
  }

  it.each(accepted)('means the same when read again: %s', (_name, input) => {
    for (const element of parse(input)) {
      const [again] = parse(serialize(element))
      expect(again).toEqual(element)
    }
  })

  it('knows its namespace without the stream around it', () => {
    const [a] = parse("<a xmlns:x='urn:x'><x:b><c/></x:b></a>")
    const b = a?.children[0] as Element
    const c = b.children[0] as Element
    expect([a, b, c].map((element) => namespaceOf(element as Element))).toEqual([
      'jabber:client',
      'urn:x',
      'jabber:client',
    ])
  })
})
