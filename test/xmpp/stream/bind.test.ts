import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { bindFeature } from '../../../src/xmpp/stream/bind.ts'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { Bound, NegotiationContext, NegotiationState, Step } from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'

const credential = { mechanism: 'EXTERNAL' }
const iq = (resource = '', attributes = "type='set' id='b'") =>
  parseElement(`<iq ${attributes}><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${resource}</bind></iq>`)

function stateOf(account?: string): NegotiationState {
  const opened = openedState({ domain: 'localhost', from: undefined }, true)
  if (account === undefined) return opened
  return { ...opened, reached: new Set(['secured', 'authenticated']), account: parseJid(account), credential }
}

/** Notes what it is asked for, and gives out the resource that is wanted. */
function world(claim?: () => ReturnType<NegotiationContext['bind']>) {
  const asked: unknown[] = []
  const context: NegotiationContext = {
    startTls: 'required',
    isEnabled: () => true,
    mechanisms: () => [],
    bindInline: [],
    registrar: () => undefined,
    bind: (login, request) => {
      asked.push([login.account.toString(), login.credential, request])
      return claim?.() ?? { jid: login.account.withResource(request.resource ?? 'made'), results: [] }
    },
  }
  return { asked, context }
}

const negotiate = (element = iq(), account = 'alice@localhost', context = world().context) =>
  bindFeature.negotiate(element, stateOf(account), context)

describe('resource binding (RFC 6120 §7)', () => {
  it('is asked of the server with who has logged in, and how', () => {
    const { asked, context } = world()
    for (const resource of ['', '<resource/>', '<resource>a b</resource>', "<resource xmlns='urn:x'>a</resource>"]) {
      negotiate(iq(resource), 'alice@localhost', context)
    }
    expect(asked).toEqual(
      [undefined, undefined, 'a b', undefined].map((resource) => ['alice@localhost', credential, { resource }]),
    )
  })

  it('is answered with the full JID, behind which come stanzas', () => {
    const step = negotiate() as Step
    expect(step.send.map(serialize)).toEqual([
      '<iq type="result" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>alice@localhost/made</jid></bind></iq>',
    ])
    expect(step).toMatchObject({ kind: 'reached', milestones: ['bound'], next: 'stanzas' })
    expect(step.kind === 'reached' && [String(step.state.bound), [...step.state.reached]]).toEqual([
      'alice@localhost/made',
      ['secured', 'authenticated', 'bound'],
    ])
  })

  it('may take its time', async () => {
    const bound: Bound = { jid: parseJid('alice@localhost/late'), results: [] }
    const step = await negotiate(iq(), 'alice@localhost', world(async () => bound).context)
    expect(step.send.map(serialize).join()).toContain('<jid>alice@localhost/late</jid>')
  })

  it('that is refused leaves the client where it was', () => {
    const step = negotiate(iq(), 'alice@localhost', world(() => ({ condition: 'conflict' })).context) as Step
    expect(step.send.map(serialize).join()).toMatch(/^<iq type="error" id="b".*<conflict /)
    expect(step).toMatchObject({ kind: 'continue', state: stateOf('alice@localhost') })
  })

  it.each([
    { wish: '', asks: 'phone' },
    { wish: '<resource>phone</resource>', asks: 'phone' },
    { wish: '<resource>desk</resource>', asks: undefined },
    { wish: '<resource>Phone</resource>', asks: undefined },
  ])('binds no other resource than the credential allows (XEP-0257 §4): $wish', ({ wish, asks }) => {
    const { asked, context } = world()
    const step = negotiate(iq(wish), 'alice@localhost/phone', context) as Step
    expect(asked).toEqual(asks === undefined ? [] : [['alice@localhost/phone', credential, { resource: asks }]])
    expect(step.send.map(serialize).join().includes('<not-allowed ')).toBe(asks === undefined)
  })

  it.each(["type='get' id='b'", "type='set'", "id='b'"])('asks for nothing that is not a request: %s', (attributes) => {
    const { asked, context } = world()
    const step = negotiate(iq('', attributes), 'alice@localhost', context) as Step
    expect([asked, step.kind, step.send.map(serialize).join().includes('<bad-request ')]).toEqual([
      [],
      'continue',
      true,
    ])
  })

  it('is not for whoever has not logged in, whatever has let it through', () => {
    const { asked, context } = world()
    expect(bindFeature.negotiate(iq(), stateOf(), context)).toMatchObject({
      kind: 'close',
      error: { condition: 'not-authorized' },
    })
    expect(asked).toEqual([])
  })
})
