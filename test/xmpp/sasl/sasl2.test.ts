import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { externalMechanism } from '../../../src/xmpp/sasl/external.ts'
import type { SaslMechanism } from '../../../src/xmpp/sasl/mechanism.ts'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type {
  NegotiationContext,
  NegotiationState,
  ResourceRequest,
  Step,
} from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'
import { negotiate, streamFeatures } from '../../support/streams/negotiation.ts'

const SASL2 = "xmlns='urn:xmpp:sasl:2'"
const UUID = 'D4565FA7-4d72-4749-b3d3-740edbf87770'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const initial = (authzid: string) => `<initial-response>${base64(authzid)}</initial-response>`
const NO_AUTHZID = '<initial-response/>'
const bind = (children = '') => `<bind xmlns='urn:xmpp:bind:0'>${children}</bind>`
const authenticate = (children: string, mechanism = 'EXTERNAL') =>
  `<authenticate ${SASL2} mechanism='${mechanism}'>${children}</authenticate>`
const response = (body: string) => `<response ${SASL2}>${body}</response>`
const ABORT = `<abort ${SASL2}><text>never mind</text></abort>`
const AUTH_1 = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
const BIND_1 = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"

const external = (xmppAddr = 'alice@localhost') =>
  externalMechanism(
    { xmppAddrs: [xmppAddr], commonNames: [], emails: [], uids: [], dnsNames: [] },
    'localhost',
    { sources: ['xmpp_addr'], commonName: { prefix: '', suffix: '' } },
    () => undefined,
  )

function world(mechanisms: readonly SaslMechanism[] = [external()]) {
  const requests: ResourceRequest[] = []
  const context: NegotiationContext = {
    startTls: 'required',
    isEnabled: (name) => ['EXTERNAL'].includes(name),
    registrar: () => undefined,
    mechanisms: () => mechanisms,
    bindInline: [],
    bind: ({ account }, request) => {
      requests.push(request)
      if (request.tag === 'full') return { condition: 'resource-constraint' }
      const resource = request.resource ?? [request.tag, 'made'].filter(Boolean).join('/')
      return { jid: account.withResource(resource), results: [] }
    },
  }
  return { context, requests }
}

const secured = openedState({ domain: 'localhost', from: undefined }, true)
const clear = openedState({ domain: 'localhost', from: undefined }, false)

/** What is answered to each element, then the milestones or the stream error. */
async function converse(
  lines: readonly string[],
  { context } = world(),
  opened: NegotiationState = secured,
): Promise<{ answers: string[]; state: NegotiationState; refused: string[] }> {
  let state = opened
  const answers: string[] = []
  const refused: string[] = []
  for (const line of lines) {
    const step = await negotiate(parseElement(line), state, context)
    const end = step.kind === 'close' ? step.error.condition : step.kind === 'reached' ? step.milestones.join(' ') : ''
    const said = step.send
      .map(serialize)
      .join('')
      .replaceAll(/ xmlns="[^"]*"/g, '')
    answers.push([said, end].filter((part) => part !== '').join(' → '))
    if (step.kind !== 'reached' && step.refused !== undefined) refused.push(step.refused.reason)
    if (step.kind !== 'close') state = step.state
  }
  return { answers, state, refused }
}

const failed = (condition: string) => `<failure><${condition}/></failure>`
const identified = (jid: string, more = '') =>
  `<success><authorization-identifier>${jid}</authorization-identifier>${more}</success>`
const UNBOUND_FEATURES = '<stream:features><bind/><session><optional/></session></stream:features>'
const LOGGED_IN = `${identified('alice@localhost')}${UNBOUND_FEATURES} → authenticated`
const boundAs = (jid: string) => `${identified(jid, '<bound/>')}<stream:features/> → authenticated bound`

describe('the stream feature (XEP-0388 §2.1)', () => {
  it('lists mechanisms, and Bind 2 inside (XEP-0386 §3.1)', () => {
    expect(streamFeatures(secured, world().context)).toContain(
      '<authentication xmlns="urn:xmpp:sasl:2"><mechanism>EXTERNAL</mechanism>' +
        '<inline><bind xmlns="urn:xmpp:bind:0"/></inline></authentication>',
    )
  })

  it('lists the same mechanisms as the one of RFC 6120, in the same order', () => {
    const other: SaslMechanism = { ...external(), name: 'X-OTHER' }
    const text = streamFeatures(secured, world([external(), other]).context)
    const names = [...text.matchAll(/<mechanism>(.*?)<\/mechanism>/g)].map(([, name]) => name)
    expect(names).toEqual(['EXTERNAL', 'X-OTHER', 'EXTERNAL', 'X-OTHER'])
  })

  it.each([
    { name: 'without a mechanism', state: secured, context: world([]).context },
    { name: 'in the clear', state: clear, context: world().context },
    { name: 'in the clear, TLS optional', state: clear, context: { ...world().context, startTls: 'offered' as const } },
  ])('is not there $name', ({ state, context }) => {
    expect(streamFeatures(state, context)).not.toContain('urn:xmpp:sasl:2')
  })

  it('says nothing of channel binding as long as no mechanism has it (XEP-0440 §3, rule 5)', () => {
    expect(streamFeatures(secured, world().context)).not.toContain('sasl-channel-binding')
  })
})

describe('a login', () => {
  it.each([
    { name: 'without authzid', lines: [authenticate(NO_AUTHZID)], answers: [LOGGED_IN] },
    { name: 'with authzid', lines: [authenticate(initial('alice@localhost'))], answers: [LOGGED_IN] },
    {
      name: 'broken into lines, as the schema allows',
      lines: [authenticate(`<initial-response>\n  ${base64('alice@localhost')}\n</initial-response>`)],
      answers: [LOGGED_IN],
    },
    {
      name: 'no initial response, challenge, response',
      lines: [authenticate(''), response(base64('alice@localhost'))],
      answers: ['<challenge/>', LOGGED_IN],
    },
    { name: 'empty response', lines: [authenticate(''), response('')], answers: ['<challenge/>', LOGGED_IN] },
    {
      name: 'binding afterwards as in RFC 6120',
      lines: [authenticate(NO_AUTHZID), BIND_1],
      answers: [LOGGED_IN, '<iq type="result" id="b"><bind><jid>alice@localhost/made</jid></bind></iq> → bound'],
    },
    {
      name: 'Bind 2',
      lines: [authenticate(NO_AUTHZID + bind())],
      answers: [boundAs('alice@localhost/made')],
    },
    {
      name: 'Bind 2 with a tag',
      lines: [authenticate(NO_AUTHZID + bind('<tag>AwesomeXMPP</tag>'))],
      answers: [boundAs('alice@localhost/AwesomeXMPP/made')],
    },
    {
      name: 'Bind 2 after a challenge',
      lines: [authenticate(bind('<tag>A</tag>')), response('')],
      answers: ['<challenge/>', boundAs('alice@localhost/A/made')],
    },
    {
      name: 'features of the session that were not announced are not answered',
      lines: [authenticate(`${NO_AUTHZID}${bind("<enable xmlns='urn:xmpp:sm:3'/>")}<resume xmlns='urn:xmpp:sm:3'/>`)],
      answers: [boundAs('alice@localhost/made')],
    },
    {
      name: 'a bind of another namespace asks for nothing',
      lines: [authenticate(`${NO_AUTHZID}<bind xmlns='urn:x'/>`)],
      answers: [LOGGED_IN],
    },
  ])('$name', async ({ lines, answers }) => {
    expect((await converse(lines)).answers).toEqual(answers)
  })

  it.each([
    { name: 'in lower case', agent: `<user-agent id='${UUID}'/>`, expected: UUID.toLowerCase() },
    { name: 'not without a UUID', agent: "<user-agent id='alice'/>", expected: undefined },
    { name: 'not without an id', agent: '<user-agent><software>A</software></user-agent>', expected: undefined },
    { name: 'not without a user agent', agent: '', expected: undefined },
  ])('the installation is told to the directory $name', async ({ agent, expected }) => {
    const here = world()
    await converse([authenticate(NO_AUTHZID + agent + bind())], here)
    expect(here.requests).toEqual([{ resource: undefined, tag: undefined, agent: expected }])
  })

  it('binds the one resource that a certificate names, whatever the tag (XEP-0257 §4)', async () => {
    const here = world([external('alice@localhost/desk')])
    const { answers, state } = await converse([authenticate(NO_AUTHZID + bind('<tag>A</tag>'))], here)
    expect(answers).toEqual([boundAs('alice@localhost/desk')])
    expect(String(state.bound)).toBe('alice@localhost/desk')
  })

  it('is identified by the bare JID as long as nothing is bound (§2.6.1)', async () => {
    const { answers, state } = await converse([authenticate(NO_AUTHZID)], world([external('alice@localhost/desk')]))
    expect(answers).toEqual([LOGGED_IN])
    expect(String(state.account)).toBe('alice@localhost/desk')
  })

  it('waits for mechanisms that need time, and carries their data', async () => {
    const account = parseJid('a@localhost')
    const slow: SaslMechanism = {
      name: 'SLOW',
      start: async () => ({
        kind: 'success',
        account,
        data: Buffer.from('signed'),
        credential: { mechanism: 'SLOW' },
      }),
    }
    const { answers } = await converse([authenticate(bind(), 'SLOW')], world([slow]))
    const data = `<additional-data>${base64('signed')}</additional-data>`
    expect(answers).toEqual([
      `<success>${data}<authorization-identifier>a@localhost/made</authorization-identifier><bound/></success><stream:features/> → authenticated bound`,
    ])
  })
})

describe('a failure', () => {
  it('has its condition in the namespace of RFC 6120 (XEP-0388 §2.6.2)', async () => {
    const step = await negotiate(parseElement(authenticate('', 'X-NONE')), secured, world().context)
    expect(step.send.map(serialize).join('')).toBe(
      '<failure xmlns="urn:xmpp:sasl:2"><invalid-mechanism xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></failure>',
    )
  })

  it.each([
    { name: 'another authzid', send: authenticate(initial('bob@localhost')), condition: 'invalid-authzid' },
    { name: 'unknown mechanism', send: authenticate(NO_AUTHZID, 'X-NONE'), condition: 'invalid-mechanism' },
    { name: 'mechanism in lower case', send: authenticate(NO_AUTHZID, 'external'), condition: 'invalid-mechanism' },
    { name: 'no mechanism', send: `<authenticate ${SASL2}/>`, condition: 'invalid-mechanism' },
    {
      name: 'mechanism as a child',
      send: `<authenticate ${SASL2}><mechanism>EXTERNAL</mechanism></authenticate>`,
      condition: 'invalid-mechanism',
    },
    {
      name: 'no base64',
      send: authenticate('<initial-response>!</initial-response>'),
      condition: 'incorrect-encoding',
    },
    {
      name: 'the lone = of RFC 6120',
      send: authenticate('<initial-response>=</initial-response>'),
      condition: 'incorrect-encoding',
    },
    { name: 'two responses', send: authenticate(NO_AUTHZID + NO_AUTHZID), condition: 'malformed-request' },
    { name: 'two binds', send: authenticate(NO_AUTHZID + bind() + bind()), condition: 'malformed-request' },
    { name: 'two user agents', send: authenticate('<user-agent/><user-agent/>'), condition: 'malformed-request' },
    { name: 'response without a challenge', send: response(''), condition: 'malformed-request' },
    { name: 'abort without a login', send: ABORT, condition: 'aborted' },
  ])('$name: $condition', async ({ send, condition }) => {
    const here = world()
    const { answers, refused } = await converse([send], here)
    expect(answers).toEqual([failed(condition)])
    expect(refused).toHaveLength(1)
    expect(here.requests).toEqual([])
  })

  it('of EXTERNAL that was not offered is told from one that is not known', async () => {
    const { answers } = await converse([authenticate(NO_AUTHZID), authenticate(NO_AUTHZID, 'PLAIN')], world([]))
    expect(answers).toEqual([failed('not-authorized'), failed('invalid-mechanism')])
  })

  it('of the binding is one of the login, which may be tried again', async () => {
    const { answers, refused, state } = await converse([
      authenticate(NO_AUTHZID + bind('<tag>full</tag>')),
      authenticate(NO_AUTHZID + bind()),
    ])
    expect(answers).toEqual([failed('temporary-auth-failure'), boundAs('alice@localhost/made')])
    expect(refused).toEqual(['no resource can be bound: resource-constraint'])
    expect(String(state.bound)).toBe('alice@localhost/made')
  })

  it.each([
    {
      name: 'abort in the middle, then again',
      lines: [authenticate(''), ABORT, authenticate(NO_AUTHZID)],
      answers: ['<challenge/>', failed('aborted'), LOGGED_IN],
    },
    {
      name: 'bad base64 ends the exchange',
      lines: [authenticate(''), response('!'), response('')],
      answers: ['<challenge/>', failed('incorrect-encoding'), failed('malformed-request')],
    },
    {
      name: 'what was asked for along with a failed login is forgotten',
      lines: [authenticate(initial('bob@localhost') + bind()), authenticate(NO_AUTHZID)],
      answers: [failed('invalid-authzid'), LOGGED_IN],
    },
    {
      name: 'the third ends the stream, whichever profile it was made with (RFC 6120 §6.4.5)',
      lines: [authenticate('', 'X-NONE'), AUTH_1.replace('=</', '!</'), authenticate('', 'X-NONE')],
      answers: [
        failed('invalid-mechanism'),
        failed('incorrect-encoding'),
        `${failed('invalid-mechanism')} → policy-violation`,
      ],
    },
    {
      name: 'of one profile may be followed by a login of the other',
      lines: [authenticate('', 'X-NONE'), AUTH_1],
      answers: [failed('invalid-mechanism'), '<success/> → authenticated'],
    },
  ])('$name', async ({ lines, answers }) => {
    expect((await converse(lines)).answers).toEqual(answers)
  })

  const RESPONSE_1 = "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>"
  const ABORT_1 = "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
  it.each([
    { name: 'SASL2, then <authenticate/>', lines: [authenticate(''), authenticate(NO_AUTHZID)] },
    { name: 'SASL2, then <auth/>', lines: [authenticate(''), AUTH_1] },
    { name: 'SASL2, then the response of RFC 6120', lines: [authenticate(''), RESPONSE_1] },
    { name: 'SASL2, then the abort of RFC 6120', lines: [authenticate(''), ABORT_1] },
    { name: 'RFC 6120, then <authenticate/>', lines: [AUTH_1.replace('=</', '</'), authenticate(NO_AUTHZID)] },
    { name: 'RFC 6120, then the response of SASL2', lines: [AUTH_1.replace('=</', '</'), response('')] },
    { name: 'RFC 6120, then the abort of SASL2', lines: [AUTH_1.replace('=</', '</'), ABORT] },
  ])('an exchange that is disturbed ends the stream (§2.4): $name', async ({ lines }) => {
    expect((await converse(lines)).answers).toEqual(['<challenge/>', 'policy-violation'])
  })

  it.each([
    { from: 'alice@localhost', answer: LOGGED_IN },
    { from: 'alice@localhost/a', answer: LOGGED_IN },
    { from: 'bob@localhost', answer: failed('invalid-authzid') },
    { from: 'localhost', answer: failed('invalid-authzid') },
  ])('when the stream is from another account (§2.3): $from', async ({ from, answer }) => {
    const here = world()
    const { answers } = await converse(
      [authenticate(NO_AUTHZID)],
      here,
      openedState({ domain: 'localhost', from: parseJid(from) }, true),
    )
    expect(answers).toEqual([answer])
    expect(here.requests).toEqual([])
  })
})

describe('whatever a client sends, in whatever order', () => {
  const POOL = [
    authenticate(NO_AUTHZID),
    authenticate(''),
    authenticate(bind()),
    authenticate(NO_AUTHZID + bind()),
    authenticate(initial('bob@localhost') + bind()),
    authenticate(NO_AUTHZID, 'X-NONE'),
    response(''),
    response(base64('bob@localhost')),
    ABORT,
    AUTH_1,
    AUTH_1.replace('=</', '</'),
    "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>",
    BIND_1,
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    '<presence/>',
  ]
  const CONVERSATIONS = 1_000

  /** The same sequence of numbers below `bound` each time (a linear congruential generator). */
  function numbers(seed: number): (bound: number) => number {
    let state = seed
    return (bound) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * bound)
    }
  }

  /** What the stream has come to when it is bound or closed, or eight elements have been sent. */
  async function wander(next: (bound: number) => number, here: ReturnType<typeof world>) {
    const steps: Step[] = []
    let state = secured
    while (steps.length < 8 && steps.at(-1)?.kind !== 'close' && state.bound === undefined) {
      const step = await negotiate(parseElement(POOL[next(POOL.length)] ?? ''), state, here.context)
      steps.push(step)
      if (step.kind !== 'close') state = step.state
    }
    const logins = steps.filter((step) => step.kind === 'reached' && step.milestones.includes('authenticated')).length
    const failures = steps.filter((step) => step.kind !== 'reached' && step.refused !== undefined).length
    return { state, logins, failures }
  }

  it('is one login at most, as the one that the certificate names, and three failures', async () => {
    const next = numbers(388)
    let online = 0
    for (let round = 0; round < CONVERSATIONS; round++) {
      const here = world()
      const { state, logins, failures } = await wander(next, here)
      expect(logins).toBeLessThanOrEqual(1)
      expect(failures).toBeLessThanOrEqual(3)
      expect(state.account?.toString()).toBe(logins === 1 ? 'alice@localhost' : undefined)
      expect(state.bound === undefined ? 0 : logins).toBe(here.requests.length)
      if (logins === 1) expect(state.exchange).toBeUndefined()
      online += here.requests.length
    }
    // Many get through, or nothing has been shown.
    expect(online).toBeGreaterThan(CONVERSATIONS / 10)
  })

  it('is not a login without a mechanism', async () => {
    const next = numbers(386)
    for (let round = 0; round < CONVERSATIONS; round++) {
      const here = world([])
      const { state, logins } = await wander(next, here)
      expect({ logins, account: state.account, asked: here.requests }).toEqual({
        logins: 0,
        account: undefined,
        asked: [],
      })
    }
  })
})
