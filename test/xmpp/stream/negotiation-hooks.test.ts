import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { Negotiation } from '../../../src/xmpp/stream/negotiation.ts'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { NegotiationContext, ResourceRequest, StreamFeature } from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize, xml } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'

const NAMESPACE = 'urn:test:resume'
const CARBONS = 'urn:xmpp:carbons:2'
const account = parseJid('alice@localhost')
const secured = openedState({ domain: 'localhost', from: undefined }, true)

/** A stream feature that brings back a resource when it is asked nicely, within the login or after it. */
const resume: StreamFeature = {
  name: 'resume',
  needs: ['authenticated'],
  excludedBy: ['bound'],
  advertise: () => xml('resume', { xmlns: NAMESPACE }),
  handles: (element) => element.name === 'resume',
  negotiate: (_, state) => ({ kind: 'continue', state, send: [xml('failed', { xmlns: NAMESPACE })] }),
  inline: {
    offer: () => xml('resume', { xmlns: NAMESPACE }),
    handles: (element) => element.name === 'resume',
    perform: async ({ attrs }, login) =>
      attrs['id'] === 'known'
        ? { reply: xml('resumed', { xmlns: NAMESPACE }), bound: login.account.withResource('old') }
        : { reply: xml('failed', { xmlns: NAMESPACE }) },
  },
}

function world() {
  const requests: ResourceRequest[] = []
  const credential = { mechanism: 'TEST' }
  const context: NegotiationContext = {
    startTls: 'required',
    bindInline: [CARBONS],
    isEnabled: () => true,
    // Everything takes its time here.
    mechanisms: async () => [{ name: 'TEST', start: async () => ({ kind: 'success', account, credential }) }],
    registrar: () => undefined,
    bind: async (login, request) => {
      requests.push(request)
      if (request.tag === 'full') return { condition: 'resource-constraint' }
      return {
        jid: login.account.withResource('new'),
        results: (request.inline ?? []).map(({ name }) => xml(`${name}d`)),
      }
    },
  }
  return { context, requests }
}

async function answer(inline: string, given = world()) {
  const text = `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='TEST'><initial-response/>${inline}</authenticate>`
  const step = await new Negotiation([resume]).negotiate(parseElement(text), secured, given.context)
  const said = step.send
    .map(serialize)
    .join('')
    .replaceAll(/ xmlns="[^"]*"/g, '')
  return { step, said, requests: given.requests }
}

const success = (resource: string, replies: string) =>
  `<success><authorization-identifier>alice@localhost${resource}</authorization-identifier>${replies}</success>`

describe('stream features that are added', () => {
  it('are advertised behind the others, and within SASL2 and Bind 2 (XEP-0388 §2.1, XEP-0386 §3.1)', async () => {
    const negotiation = new Negotiation([resume])
    const { context } = world()
    const features = await negotiation.streamFeatures(secured, context)
    expect(features).toContain(
      `<inline><bind xmlns="urn:xmpp:bind:0"><inline><feature var="${CARBONS}"/></inline></bind><resume xmlns="${NAMESPACE}"/></inline>`,
    )
    const authenticated = { ...secured, account, reached: new Set(['secured', 'authenticated'] as const) }
    expect(await negotiation.streamFeatures(authenticated, context)).toMatch(
      new RegExp(`<session [^>]*><optional/></session><resume xmlns="${NAMESPACE}"/></stream:features>$`),
    )
    const step = await negotiation.negotiate(parseElement('<resume/>'), authenticated, context)
    expect(step.send.map(({ name }) => name)).toEqual(['failed'])
  })

  it('are not there where nobody has added them', async () => {
    const { context } = world()
    const text = await new Negotiation().streamFeatures(secured, { ...context, bindInline: [] })
    expect(text).toContain('<inline><bind xmlns="urn:xmpp:bind:0"/></inline>')
  })
})

describe('what is asked for within a login', () => {
  it('is done when the login stands, and answered in the success', async () => {
    const { said, step } = await answer('<resume id="known"/>')
    expect(said).toBe(`${success('/old', '<resumed/>')}<stream:features/>`)
    expect(step).toMatchObject({ kind: 'reached', milestones: ['authenticated', 'bound'] })
  })

  it('takes the place of a binding, which is asked for in case that it fails (XEP-0386 §3.2)', async () => {
    const bind = "<bind xmlns='urn:xmpp:bind:0'/>"
    const good = await answer(`<resume id="known"/>${bind}`)
    expect([good.said, good.requests]).toEqual([`${success('/old', '<resumed/>')}<stream:features/>`, []])
    const bad = await answer(`<resume id="lost"/>${bind}`)
    expect(bad.said).toBe(`${success('/new', '<failed/><bound/>')}<stream:features/>`)
    expect(bad.requests).toHaveLength(1)
  })

  it('is switched on along with the binding, as far as it was announced (XEP-0386 §3.2)', async () => {
    const inline = `<enable xmlns='${CARBONS}'/><enable xmlns='urn:other'/><tag>x</tag>`
    const { said, requests } = await answer(`<bind xmlns='urn:xmpp:bind:0'>${inline}</bind>`)
    expect(said).toBe(`${success('/new', '<bound><enabled/></bound>')}<stream:features/>`)
    expect(requests.map((request) => request.inline?.map(serialize))).toEqual([[`<enable xmlns="${CARBONS}"/>`]])
  })

  it('leaves no login behind when no resource can be bound', async () => {
    const { said, step } = await answer("<bind xmlns='urn:xmpp:bind:0'><tag>full</tag></bind>")
    expect(said).toBe('<failure><temporary-auth-failure/></failure>')
    expect(step.kind === 'continue' && [step.state.account, step.state.credential]).toEqual([undefined, undefined])
  })
})
