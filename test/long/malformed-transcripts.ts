import { mutate } from '../pki/mutations.ts'
import { external, external2, streamHeader } from '../support/streams/xmpp-client.ts'

type Random = (below: number) => number

const OPEN = streamHeader({ to: 'localhost' })
const OPEN_FROM = streamHeader({ to: 'localhost', from: 'alice@localhost' })
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>"
const BIND2 = "<bind xmlns='urn:xmpp:bind:0'><tag>Soak</tag></bind>"
const MESSAGE = "<message to='bob@localhost' type='chat' id='m'><body>x &amp; &#x1F600; é</body></message>"
const PRESENCE = '<presence><show>away</show><priority>1</priority></presence>'
const ROSTER = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"
const PING = "<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
const DISCO = "<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
const CERTIFICATES = "<iq type='get' id='c'><items xmlns='urn:xmpp:saslcert:1'/></iq>"
const REGISTER = "<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>"
const END = '</stream:stream>'

const base64 = (text: string) => Buffer.from(text).toString('base64')

function auth(mechanism: string, body: string): string {
  return `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${body}</auth>`
}

const RESPONSE = `<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${base64('c=biws,r=abc,p=eA==')}</response>`
const ABORT = "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
const PLAIN = auth('PLAIN', base64('\0alice\0a plague on both'))
const SCRAM = auth('SCRAM-SHA-256', base64('n,,n=alice,r=fyko+d2lbbFgONRvqkxdawL'))
const SCRAM2 = `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-1'><initial-response>${base64('n,,n=alice,r=abc')}</initial-response><user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'><software>Soak</software></user-agent></authenticate>`

/** What clients say, from the first octet on: each is good up to the point at which the server has a say. */
const TRANSCRIPTS: readonly string[] = [
  OPEN + STARTTLS,
  OPEN_FROM + STARTTLS + OPEN + external(),
  OPEN + auth('EXTERNAL', '=') + OPEN + BIND + PRESENCE + MESSAGE + END,
  OPEN_FROM + external('alice@localhost') + OPEN + BIND + ROSTER + MESSAGE + END,
  OPEN + external2(BIND2, 'alice@localhost') + PRESENCE + PING + END,
  OPEN + external2() + BIND + DISCO + CERTIFICATES + END,
  OPEN + PLAIN + OPEN + BIND + REGISTER + END,
  OPEN + SCRAM + RESPONSE + ABORT + SCRAM + RESPONSE + OPEN + BIND + END,
  OPEN + SCRAM2 + BIND + PRESENCE + END,
  OPEN + BIND + MESSAGE + PRESENCE + PING + REGISTER + END,
]

const NAMESPACES = [
  'jabber:client',
  'jabber:server',
  'http://etherx.jabber.org/streams',
  'urn:ietf:params:xml:ns:xmpp-tls',
  'urn:ietf:params:xml:ns:xmpp-sasl',
  'urn:ietf:params:xml:ns:xmpp-bind',
  'urn:xmpp:sasl:2',
  'urn:xmpp:bind:0',
  'http://www.w3.org/XML/1998/namespace',
  '',
]

/** What may stand in no stream, or in no stream that long (RFC 6120 §11.1, §11.3, §13.12). */
const INSERTS: readonly string[] = [
  "<!DOCTYPE a [<!ENTITY b 'c'>]>",
  '<!-- a -->',
  '<?php a?>',
  '<![CDATA[<a>]]>',
  ']]>',
  '&lol;',
  '&#0;',
  '&#xD800;',
  '&#x110000;',
  '\u0001',
  '\ufffe',
  '<a>'.repeat(40),
  '<a>'.repeat(3_000),
  `<a b='${'x'.repeat(20_000)}'/>`,
  `<a ${'x'.repeat(12_000)}='1'/>`,
  `<a ${Array.from({ length: 60 }, (_, n) => `a${n}=''`).join(' ')}/>`,
  '<a a="1" a="2"/>',
  '<x:a/>',
  "<a xmlns:x=''/>",
  "<a xmlns:xmlns='u'/>",
  '</a>',
  '</stream:stream>',
  'text',
  ' \r\n\t',
  "<__proto__ constructor='x'/>",
  'x'.repeat(12_000),
]

/** Not UTF-8: overlong, half of a pair, half of a sequence, beyond Unicode, and UTF-16. */
const OCTETS = ['c0af', 'eda080', 'e282', 'f4908080', 'ff', 'feff003c0061003e', '00'].map((hex) =>
  Buffer.from(hex, 'hex'),
)

const pick = <T>(list: readonly T[], random: Random): T => list[random(list.length)] as T

/** The same stretch of text cut at its tags. */
function tokensOf(text: string): string[] {
  return text.match(/<[^>]*>|[^<]+/g) ?? []
}

type Change = (tokens: string[], random: Random) => void

function replaceAt(tokens: string[], random: Random, change: (token: string) => string): void {
  const at = random(tokens.length)
  tokens[at] = change(tokens[at] ?? '')
}

/** What is done to the elements of a transcript. */
const CHANGES: readonly Change[] = [
  // Removed, twice, in another order, cut off.
  (tokens, random) => void tokens.splice(random(tokens.length), 1 + random(3)),
  (tokens, random) => replaceAt(tokens, random, (token) => token.repeat(2 + random(4))),
  (tokens, random) => void tokens.splice(random(tokens.length), 0, ...tokens.splice(random(tokens.length), 1)),
  (tokens, random) => void tokens.splice(1 + random(tokens.length)),
  // In each other, and in another transcript.
  (tokens, random) => void tokens.splice(random(tokens.length), 0, ...tokensOf(pick(TRANSCRIPTS, random))),
  (tokens, random) => {
    const name = pick(['iq', 'auth', 'stream:stream', 'message'], random)
    const at = random(tokens.length)
    tokens.splice(at, 1, `<${name}>`, tokens[at] ?? '', `</${name}>`)
  },
  (tokens, random) => void tokens.splice(random(tokens.length + 1), 0, pick(INSERTS, random)),
  // Inside of a tag: another namespace, another value, another attribute.
  (tokens, random) =>
    replaceAt(tokens, random, (token) => token.replace(/xmlns='[^']*'/, `xmlns='${pick(NAMESPACES, random)}'`)),
  (tokens, random) => replaceAt(tokens, random, (token) => token.replace(/='[^']*'/, `='${pick(INSERTS, random)}'`)),
  (tokens, random) =>
    replaceAt(tokens, random, (token) => token.replace(/(?=\/?>$)/, ` ${pick(INSERTS, random).slice(0, 50)}`)),
  (tokens, random) =>
    replaceAt(tokens, random, (token) =>
      token.replace(/[\w:-]+/, (name) => `${pick(['', 'x:', '-'], random)}${name.slice(random(3))}`),
    ),
  // Text that stands for octets, a SASL body say.
  (tokens, random) => {
    const texts = tokens.flatMap((token, at) => (/^[\w+/]+=*$/.test(token) ? [at] : []))
    const at = texts[random(Math.max(1, texts.length))] ?? 0
    const body = mutate(Buffer.from(tokens[at] ?? '', 'base64'), [Buffer.from('alice@localhost\0\0bob,n=,r=')], random)
    tokens[at] =
      pick(['base64', 'base64url', 'latin1'] as const, random) && body.toString(pick(['base64', 'latin1'], random))
  },
]

/** What is done to the octets. */
function spoil(octets: Buffer, random: Random): Buffer {
  if (random(3) > 0) return mutate(octets, [octets], random)
  const at = random(octets.length + 1)
  return Buffer.concat([octets.subarray(0, at), pick(OCTETS, random), octets.subarray(at)])
}

/** A transcript of which something is not as it should be. */
export function malformedStream(random: Random): Buffer {
  const good = pick(TRANSCRIPTS, random)
  const tokens = tokensOf(good)
  if (random(4) > 0) for (let changes = 1 + random(3); changes > 0; changes -= 1) pick(CHANGES, random)(tokens, random)
  const text = tokens.join('')
  const octets = Buffer.from(text)
  return text === good || random(4) === 0 ? spoil(octets, random) : octets
}
