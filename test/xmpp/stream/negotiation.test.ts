import { describe, expect, it } from 'vitest'
import { type Jid, parseJid } from '../../../src/xmpp/address/jid.ts'
import { externalMechanism } from '../../../src/xmpp/sasl/external.ts'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { NegotiationContext, NegotiationState, Step } from '../../../src/xmpp/stream/stream-feature.ts'
import { type Element, serialize, textOf } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'
import { negotiate, streamFeatures } from '../../support/streams/negotiation.ts'

const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
const BIND = "xmlns='urn:ietf:params:xml:ns:xmpp-bind'"
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const auth = (body: string, mechanism = 'EXTERNAL') => `<auth ${SASL} mechanism='${mechanism}'>${body}</auth>`
const response = (body: string) => `<response ${SASL}>${body}</response>`
const ABORT = `<abort ${SASL}/>`
const bind = (payload = '', type = 'set', id: string | undefined = 'b') =>
  `<iq type='${type}'${id === undefined ? '' : ` id='${id}'`}><bind ${BIND}>${payload}</bind></iq>`
const base64 = (text: string) => Buffer.from(text).toString('base64')

const external = (domain: string) =>
  externalMechanism(
    { xmppAddrs: ['alice@localhost'], commonNames: [], emails: [], uids: [], dnsNames: [] },
    domain,
    {
      sources: ['xmpp_addr'],
      commonName: { prefix: '', suffix: '' },
    },
    () => undefined,
  )

/** A connection whose certificate is good, and a directory that gives every resource away but `taken`. */
const context: NegotiationContext = {
  startTls: 'required',
  isEnabled: (name) => ['EXTERNAL'].includes(name),
  registrar: () => undefined,
  mechanisms: ({ domain }) => [external(domain)],
  bindInline: [],
  bind: ({ account }, { resource, tag }) => {
    if (resource === 'taken' || tag === 'taken') return { condition: 'conflict' }
    const jid = account.withResource(resource ?? (tag === undefined ? 'generated' : `${tag}/generated`))
    return { jid, results: [] }
  },
}
const withoutCertificate: NegotiationContext = { ...context, mechanisms: () => [] }
const optional: NegotiationContext = { ...context, startTls: 'offered' }

const clear = openedState({ domain: 'localhost', from: undefined }, false)
const secured = openedState({ domain: 'localhost', from: undefined }, true)

function authenticated(account = 'alice@localhost'): NegotiationState {
  const credential = { mechanism: 'EXTERNAL' }
  return { ...secured, reached: new Set(['secured', 'authenticated']), account: parseJid(account), credential }
}

/** The prefix of the stream is declared in its header. */
function parsedFeatures(state: NegotiationState, world: NegotiationContext): Element {
  return parseElement(streamFeatures(state, world).replaceAll('stream:features', 'features'))
}

/** One element in; out come the elements, then the milestone or the stream error. */
async function exchange(state: NegotiationState, text: string, world = context) {
  const step: Step = await negotiate(parseElement(text), state, world)
  const sent = step.send
    .map(serialize)
    .join('')
    .replaceAll(/ xmlns="[^"]*"/g, '')
  if (step.kind === 'close') return { out: sent, end: step.error.condition, state }
  return { out: sent, end: step.kind === 'reached' ? step.milestones.join(' ') : '', state: step.state }
}

describe('stream features (RFC 6120 §4.3.2)', () => {
  it.each([
    { name: 'TLS required', state: clear, world: context, offers: 'starttls' },
    {
      name: 'TLS offered, nothing to log in with',
      state: clear,
      world: { ...optional, mechanisms: () => [] },
      offers: 'starttls',
    },
    { name: 'secured, good certificate', state: secured, world: context, offers: 'mechanisms authentication' },
    { name: 'secured, no certificate', state: secured, world: withoutCertificate, offers: 'mechanisms' },
    { name: 'authenticated', state: authenticated(), world: context, offers: 'bind session' },
  ])('$name: $offers', ({ state, world, offers }) => {
    const features = parsedFeatures(state, world)
    expect(features.children.map((child) => (child as Element).name).join(' ')).toBe(offers)
  })

  it('says what holds for this stream, whatever was said on others before', () => {
    const plus = { ...external('localhost'), name: 'SCRAM-SHA-1-PLUS', bindings: ['tls-exporter'] }
    const worlds: NegotiationContext[] = [
      context,
      optional,
      withoutCertificate,
      { ...context, registrar: () => ({ register: async () => undefined }) },
      { ...context, mechanisms: () => [plus] },
      { ...context, mechanisms: () => [{ ...plus, bindings: ['tls-server-end-point'] }] },
      { ...context, mechanisms: () => [{ ...plus, bindings: ['tls-exporter', 'tls-server-end-point'] }] },
      { ...context, mechanisms: () => [external('localhost'), plus] },
      { ...context, mechanisms: () => [plus, external('localhost')] },
    ]
    const texts = worlds.map((world) => streamFeatures(secured, world))
    // For a stream that is secured it makes no difference whether it had to be.
    expect(new Set(texts).size).toBe(worlds.length - 1)
    expect(worlds.map((world) => streamFeatures(secured, world))).toEqual(texts)
    expect(worlds.toReversed().map((world) => streamFeatures(secured, world))).toEqual(texts.toReversed())
  })

  it('says that TLS is required (RFC 6120 §5.4.1)', () => {
    expect(streamFeatures(clear, context)).toContain('<required/>')
    expect(streamFeatures(clear, optional)).not.toContain('<required/>')
  })

  it.each([
    { name: 'with a good certificate', world: context, expected: ['EXTERNAL'] },
    { name: 'without one', world: withoutCertificate, expected: [] },
  ])('lists the mechanisms that can succeed, $name', ({ world, expected }) => {
    const [mechanisms] = parsedFeatures(secured, world).children as Element[]
    expect(mechanisms?.name).toBe('mechanisms')
    expect(mechanisms?.children.map((mechanism) => textOf(mechanism as Element))).toEqual(expected)
  })
})

describe('one element', () => {
  const failure = (condition: string) => `<failure><${condition}/></failure>`
  const boundAs = (jid: string) => `<iq type="result" id="b"><bind><jid>${jid}</jid></bind></iq>`
  const iqError = (type: string, condition: string, id = ' id="b"') =>
    `<iq type="error"${id}><error type="${type}"><${condition}/></error></iq>`
  const stanza = "<message to='bob@localhost'><body>hi</body></message>"

  it.each([
    // §5
    { name: 'starttls', state: clear, send: STARTTLS, out: '<proceed/>', end: 'secured' },
    { name: 'starttls again', state: secured, send: STARTTLS, out: '', end: 'policy-violation' },
    { name: 'starttls after login', state: authenticated(), send: STARTTLS, out: '', end: 'policy-violation' },
    { name: 'auth before mandatory TLS (§5.3.1)', state: clear, send: auth('='), out: '', end: 'policy-violation' },
    {
      name: 'starttls in a wrong namespace',
      state: clear,
      send: "<starttls xmlns='urn:x'/>",
      out: '',
      end: 'unsupported-stanza-type',
    },
    // §6
    { name: 'auth with =', state: secured, send: auth('='), out: '<success/>', end: 'authenticated' },
    {
      name: 'auth with an authzid',
      state: secured,
      send: auth(base64('alice@localhost')),
      out: '<success/>',
      end: 'authenticated',
    },
    {
      name: 'auth with another authzid',
      state: secured,
      send: auth(base64('bob@localhost')),
      out: failure('invalid-authzid'),
      end: '',
    },
    { name: 'auth without initial response', state: secured, send: auth(''), out: '<challenge/>', end: '' },
    { name: 'bad base64 (§6.5.5)', state: secured, send: auth('a'), out: failure('incorrect-encoding'), end: '' },
    {
      name: 'base64 with white space (§13.9.1)',
      state: secured,
      send: auth(' ='),
      out: failure('incorrect-encoding'),
      end: '',
    },
    {
      name: 'base64 with = inside',
      state: secured,
      send: auth('YQ==YQ=='),
      out: failure('incorrect-encoding'),
      end: '',
    },
    { name: 'base64url', state: secured, send: auth('-_-_'), out: failure('incorrect-encoding'), end: '' },
    {
      name: 'unknown mechanism (§6.5.7)',
      state: secured,
      send: auth('=', 'X-NONE'),
      out: failure('invalid-mechanism'),
      end: '',
    },
    {
      name: 'a mechanism called like a method',
      state: secured,
      send: auth('=', 'constructor'),
      out: failure('invalid-mechanism'),
      end: '',
    },
    {
      name: 'mechanism in lower case',
      state: secured,
      send: auth('=', 'external'),
      out: failure('invalid-mechanism'),
      end: '',
    },
    {
      name: 'no mechanism',
      state: secured,
      send: `<auth ${SASL}>=</auth>`,
      out: failure('invalid-mechanism'),
      end: '',
    },
    {
      name: 'response without challenge',
      state: secured,
      send: response('='),
      out: failure('malformed-request'),
      end: '',
    },
    { name: 'abort without auth', state: secured, send: ABORT, out: failure('aborted'), end: '' },
    {
      name: 'client says success',
      state: secured,
      send: `<success ${SASL}/>`,
      out: '',
      end: 'unsupported-stanza-type',
    },
    {
      name: 'auth in a wrong namespace',
      state: secured,
      send: "<auth xmlns='urn:x' mechanism='EXTERNAL'>=</auth>",
      out: '',
      end: 'unsupported-stanza-type',
    },
    { name: 'auth after login (§6.4.6)', state: authenticated(), send: auth('='), out: '', end: 'policy-violation' },
    // §7 and §4.9.3.12
    { name: 'stanza in the clear', state: clear, send: stanza, out: '', end: 'not-authorized' },
    { name: 'stanza before login', state: secured, send: stanza, out: '', end: 'not-authorized' },
    { name: 'stanza before binding', state: authenticated(), send: stanza, out: '', end: 'not-authorized' },
    {
      name: 'session before binding',
      state: authenticated(),
      send: "<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
      out: '',
      end: 'not-authorized',
    },
    { name: 'bind before login', state: secured, send: bind(), out: '', end: 'not-authorized' },
    { name: 'bind in the clear', state: clear, send: bind(), out: '', end: 'not-authorized' },
    {
      name: 'generated resource (§7.6)',
      state: authenticated(),
      send: bind(),
      out: boundAs('alice@localhost/generated'),
      end: 'bound',
    },
    {
      name: 'requested resource (§7.7)',
      state: authenticated(),
      send: bind('<resource>a b</resource>'),
      out: boundAs('alice@localhost/a b'),
      end: 'bound',
    },
    {
      name: 'empty resource asks for none',
      state: authenticated(),
      send: bind('<resource/>'),
      out: boundAs('alice@localhost/generated'),
      end: 'bound',
    },
    {
      name: 'resource in use (§7.7.2.2)',
      state: authenticated(),
      send: bind('<resource>taken</resource>'),
      out: iqError('cancel', 'conflict'),
      end: '',
    },
    { name: 'bind get', state: authenticated(), send: bind('', 'get'), out: iqError('modify', 'bad-request'), end: '' },
    {
      name: 'bind without id',
      state: authenticated(),
      send: `<iq type='set'><bind ${BIND}/></iq>`,
      out: iqError('modify', 'bad-request', ''),
      end: '',
    },
    {
      name: 'bind result is never answered (§8.3.1)',
      state: authenticated(),
      send: bind('', 'result'),
      out: '',
      end: 'not-authorized',
    },
    {
      name: 'bind error is never answered (§8.3.1)',
      state: authenticated(),
      send: bind('', 'error'),
      out: '',
      end: 'not-authorized',
    },
    {
      name: 'bind in a wrong namespace',
      state: authenticated(),
      send: "<iq type='set' id='b'><bind xmlns='urn:x'/></iq>",
      out: '',
      end: 'not-authorized',
    },
    {
      name: 'unknown element',
      state: authenticated(),
      send: "<enable xmlns='urn:xmpp:sm:3'/>",
      out: '',
      end: 'unsupported-stanza-type',
    },
    { name: 'second stream header', state: secured, send: '<s:stream/>', out: '', end: 'unsupported-stanza-type' },
    // XEP-0257 §4
    {
      name: 'fixed resource, none requested',
      state: authenticated('alice@localhost/a'),
      send: bind(),
      out: boundAs('alice@localhost/a'),
      end: 'bound',
    },
    {
      name: 'fixed resource, requested',
      state: authenticated('alice@localhost/a'),
      send: bind('<resource>a</resource>'),
      out: boundAs('alice@localhost/a'),
      end: 'bound',
    },
  ])('$name', async ({ state, send, out, end }) => {
    const result = await exchange(state, send)
    expect({ out: result.out, end: result.end }).toEqual({ out, end })
  })

  it('refuses another resource than the certificate names (XEP-0257 §4)', async () => {
    const result = await exchange(authenticated('alice@localhost/a'), bind('<resource>b</resource>'))
    expect(result.out).toContain('<not-allowed/>')
    expect(result.end).toBe('')
  })

  it('tells EXTERNAL that was not offered from a mechanism that is not known', async () => {
    expect((await exchange(secured, auth('='), withoutCertificate)).out).toBe(failure('not-authorized'))
    expect((await exchange(secured, auth('=', 'PLAIN'), withoutCertificate)).out).toBe(failure('invalid-mechanism'))
  })

  it('offers no login in the clear where the certificate is not there yet', async () => {
    const world = { ...optional, mechanisms: () => [] }
    expect((await exchange(clear, auth('='), world)).out).toBe(failure('not-authorized'))
  })

  it('remembers who has logged in, and whom the resource was bound for', async () => {
    const login = await exchange(secured, auth('='))
    expect(String(login.state.account)).toBe('alice@localhost')
    const bound = await exchange(login.state, bind('<resource>r</resource>'))
    expect(String(bound.state.bound)).toBe('alice@localhost/r')
  })

  it('works with mechanisms that need time', async () => {
    const success = { kind: 'success', account: parseJid('a@localhost'), credential: { mechanism: 'SLOW' } } as const
    const slow = { name: 'SLOW', start: async () => success }
    const world = { ...context, mechanisms: () => [slow] }
    expect(await exchange(secured, auth('=', 'SLOW'), world)).toMatchObject({ out: '<success/>', end: 'authenticated' })
  })
})

describe('a conversation', () => {
  async function converse(lines: readonly string[], from?: Jid): Promise<string[]> {
    let state = openedState({ domain: 'localhost', from: from }, true)
    const answers: string[] = []
    for (const line of lines) {
      const result = await exchange(state, line)
      answers.push([result.out, result.end].filter((part) => part !== '').join(' → '))
      state = result.state
    }
    return answers
  }
  const failed = (condition: string) => `<failure><${condition}/></failure>`

  it.each([
    {
      name: 'empty auth, challenge, response (RFC 6120 §6.4.2)',
      lines: [auth(''), response(base64('alice@localhost'))],
      answers: ['<challenge/>', '<success/> → authenticated'],
    },
    {
      name: 'empty response means no authzid',
      lines: [auth(''), response('')],
      answers: ['<challenge/>', '<success/> → authenticated'],
    },
    {
      name: 'bad base64 ends the exchange',
      lines: [auth(''), response('!'), response('=')],
      answers: ['<challenge/>', failed('incorrect-encoding'), failed('malformed-request')],
    },
    {
      name: 'abort in the middle, then again (§6.4.4)',
      lines: [auth(''), ABORT, response('='), auth('=')],
      answers: ['<challenge/>', failed('aborted'), failed('malformed-request'), '<success/> → authenticated'],
    },
    {
      name: 'auth while an exchange is under way',
      lines: [auth(''), auth('='), response('=')],
      answers: ['<challenge/>', failed('malformed-request'), failed('malformed-request')],
    },
    {
      name: 'one failure, then success (§6.4.5)',
      lines: [auth(base64('bob@localhost')), auth('=')],
      answers: [failed('invalid-authzid'), '<success/> → authenticated'],
    },
    {
      name: 'three failures (§6.4.5)',
      lines: [auth('!'), auth('=', 'PLAIN'), auth(base64('bob@localhost'))],
      answers: [
        failed('incorrect-encoding'),
        failed('invalid-mechanism'),
        `${failed('invalid-authzid')} → policy-violation`,
      ],
    },
    {
      name: 'a challenge in between does not start the count anew',
      lines: [auth('!'), auth(''), ABORT, auth(''), ABORT],
      answers: [
        failed('incorrect-encoding'),
        '<challenge/>',
        failed('aborted'),
        '<challenge/>',
        `${failed('aborted')} → policy-violation`,
      ],
    },
  ])('$name', async ({ lines, answers }) => {
    expect(await converse(lines)).toEqual(answers)
  })

  it.each(['alice@localhost', 'alice@localhost/a', 'bob@localhost', 'alice@other.example', 'localhost'])(
    'from of the stream is a hint before the login: %s',
    async (from) => {
      expect(await converse([auth('=')], parseJid(from))).toEqual(['<success/> → authenticated'])
    },
  )
})
