import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { bind2Offer, bindInline, bound2 } from '../../../src/xmpp/stream/bind2.ts'
import type { NegotiationContext, ResourceRequest } from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize, xml } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'

const CARBONS = 'urn:xmpp:carbons:2'

/** What is asked of the server for a `<bind/>` with these children. */
function requested(children: string, account = 'alice@localhost', agent?: string): ResourceRequest {
  const requests: ResourceRequest[] = []
  const context: NegotiationContext = {
    startTls: 'required',
    bindInline: [CARBONS],
    isEnabled: () => true,
    mechanisms: () => [],
    registrar: () => undefined,
    bind: (_, request) => {
      requests.push(request)
      return { condition: 'resource-constraint' }
    },
  }
  const login = { account: parseJid(account), credential: { mechanism: 'EXTERNAL' } }
  const bind = parseElement(`<bind xmlns='urn:xmpp:bind:0'>${children}</bind>`)
  expect(bindInline(bind, login, agent, context)).toEqual({ condition: 'resource-constraint' })
  const [request] = requests
  if (request === undefined || requests.length > 1) throw new Error('not one request')
  return request
}

describe('Bind 2 (XEP-0386)', () => {
  it.each([
    { namespaces: [], inline: '/>' },
    { namespaces: ['urn:a', 'urn:b'], inline: '><inline><feature var="urn:a"/><feature var="urn:b"/></inline></bind>' },
  ])('announces what can be switched on along with it (§3.1): $namespaces', ({ namespaces, inline }) => {
    expect(serialize(bind2Offer(namespaces))).toBe(`<bind xmlns="urn:xmpp:bind:0"${inline}`)
  })

  it.each([
    { name: 'nothing', children: '', request: { tag: undefined } },
    { name: 'a tag', children: '<tag>Gajim</tag>', request: { tag: 'Gajim' } },
    { name: 'an empty tag', children: '<tag/>', request: { tag: '' } },
    { name: 'a tag of somebody else', children: "<tag xmlns='urn:x'>Gajim</tag>", request: { tag: undefined } },
    { name: 'what was not announced', children: "<enable xmlns='urn:x'/>", request: { tag: undefined } },
  ])('asks for a resource, with $name', ({ children, request }) => {
    expect(requested(children, 'alice@localhost', 'an agent')).toEqual({
      resource: undefined,
      agent: 'an agent',
      ...request,
    })
  })

  it('hands on what was announced and is asked for, in its order', () => {
    const [one, other] = [`<enable xmlns="${CARBONS}"/>`, `<other xmlns="${CARBONS}">x</other>`]
    expect(requested(`${one}<enable xmlns='urn:x'/>${other}`).inline?.map(serialize)).toEqual([one, other])
  })

  it('asks for the one resource that a credential allows (XEP-0257 §4)', () => {
    expect(requested('<tag>Gajim</tag>', 'alice@localhost/phone').resource).toBe('phone')
  })

  it('says what came of it, and not which resource it is', () => {
    expect(serialize(bound2({ results: [] }))).toBe('<bound xmlns="urn:xmpp:bind:0"/>')
    const results = [xml('enabled', { xmlns: CARBONS }), xml('failed', { xmlns: 'urn:x' })]
    expect(serialize(bound2({ results }))).toBe(
      `<bound xmlns="urn:xmpp:bind:0"><enabled xmlns="${CARBONS}"/><failed xmlns="urn:x"/></bound>`,
    )
  })
})
