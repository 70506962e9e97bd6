import { describe, expect, it } from 'vitest'
import {
  asksForRemoval,
  readRegistration,
  registrationFeature,
  registrationForm,
} from '../../../src/xmpp/stream/account-registration.ts'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { NegotiationContext, NegotiationState, Registrar } from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'

const query = (children: string) => parseElement(`<query xmlns='jabber:iq:register'>${children}</query>`)
const iq = (children: string, attributes = "type='set' id='1'") =>
  parseElement(`<iq ${attributes}><query xmlns='jabber:iq:register'>${children}</query></iq>`)
const BOB = '<username>bob</username><password>secret</password>'

describe('what is filled in (XEP-0077 §3)', () => {
  it.each([
    ['both', BOB, { username: 'bob', password: 'secret' }],
    ['both, and more', `<email>x</email>${BOB}`, { username: 'bob', password: 'secret' }],
    ['no password', '<username>bob</username>', undefined],
    ['an empty one', '<username>bob</username><password/>', undefined],
    ['two usernames', `<username>eve</username>${BOB}`, undefined],
    ['a password of another namespace', "<username>bob</username><password xmlns='urn:x'>y</password>", undefined],
    ['a username below another field', `<x>${BOB}</x>`, undefined],
    ['nothing', '', undefined],
  ])('%s', (_, children, registration) => {
    expect(readRegistration(query(children))).toEqual(registration)
  })

  it.each([
    ['<remove/>', true],
    [`${BOB}<remove/>`, true],
    ["<remove xmlns='urn:x'/>", false],
    ['<x><remove/></x>', false],
  ])('%s asks for the end of the account: %s', (children, asks) => {
    expect(asksForRemoval(query(children))).toBe(asks)
  })

  it.each([
    [undefined, '<instructions>Do it.</instructions><username/><password/>'],
    ['bob', '<registered/><instructions>Do it.</instructions><username>bob</username><password/>'],
  ])('is asked for in a form, of an account that is there or of none: %s', (username, fields) => {
    expect(serialize(registrationForm('Do it.', username))).toBe(`<query xmlns="jabber:iq:register">${fields}</query>`)
  })
})

describe('registration before the login (XEP-0077 §3.1)', () => {
  const opened = openedState({ domain: 'localhost', from: undefined }, true)

  function setUp(given: { readonly refuses?: boolean; readonly isOpen?: boolean } = {}) {
    const asked: unknown[] = []
    const registrar: Registrar = {
      register: async (...args) => {
        asked.push(args)
        return given.refuses ? { condition: 'conflict' } : undefined
      },
    }
    const context: NegotiationContext = {
      startTls: 'required',
      isEnabled: () => true,
      mechanisms: () => [],
      bindInline: [],
      registrar: () => (given.isOpen === false ? undefined : registrar),
      bind: () => ({ condition: 'not-allowed' }),
    }
    const ask = async (element: ReturnType<typeof iq>, state: NegotiationState = opened) => {
      const step = await registrationFeature.negotiate(element, state, context)
      const said = step.send.map(serialize).join('')
      return { step, told: /<error [^>]*><([\w-]+)/.exec(said)?.[1] ?? / type="(\w+)"/.exec(said)?.[1], said }
    }
    return { asked, ask }
  }

  it('makes an account at the domain of the stream, one for each stream', async () => {
    const { asked, ask } = setUp()
    const { step, told } = await ask(iq(BOB))
    expect([told, step.kind]).toEqual(['result', 'continue'])
    if (step.kind === 'close') throw new Error('closed')
    expect((await ask(iq(BOB), step.state)).told).toBe('not-acceptable')
    expect(asked).toEqual([['localhost', { username: 'bob', password: 'secret' }]])
  })

  it('that is refused may be tried again', async () => {
    const { asked, ask } = setUp({ refuses: true })
    const { step, told } = await ask(iq(BOB))
    expect([told, step.kind === 'continue' && step.state.registered]).toEqual(['conflict', undefined])
    expect(asked).toHaveLength(1)
  })

  it.each([
    { name: 'what is not filled in', element: iq('<username>bob</username>'), told: 'not-acceptable' },
    { name: 'the end of an account', element: iq('<remove/>'), told: 'unexpected-request' },
    { name: 'an IQ without id', element: iq(BOB, "type='set'"), told: 'bad-request' },
    { name: 'another host', element: iq(BOB, "type='set' id='1' to='elsewhere'"), told: 'service-unavailable' },
    { name: 'what it wants', element: iq('', "type='get' id='1'"), told: 'result' },
  ])('makes none for $name: $told', async ({ element, told }) => {
    const { asked, ask } = setUp()
    expect((await ask(element)).told).toBe(told)
    expect(asked).toEqual([])
  })

  it('says what it wants', async () => {
    const { said } = await setUp().ask(iq('', "type='get' id='1' to='localhost'"))
    expect(said).toMatch(/^<iq type="result" id="1".*<username\/><password\/><\/query><\/iq>$/)
  })

  it('is not there while strangers may not', async () => {
    const { asked, ask } = setUp({ isOpen: false })
    for (const element of [iq(BOB), iq('', "type='get' id='1'")]) {
      expect((await ask(element)).told).toBe('service-unavailable')
    }
    expect(asked).toEqual([])
    const offer = { startTls: 'required', secured: true, mechanisms: [], bindInline: [] } as const
    expect(registrationFeature.advertise({ ...offer, registers: false })).toBeUndefined()
    expect(registrationFeature.advertise({ ...offer, registers: true })?.name).toBe('register')
  })

  it.each([
    [iq(BOB), true],
    [iq('', "type='get' id='1'"), true],
    [iq('', "type='result' id='1'"), false],
    [query(BOB), false],
    [parseElement("<iq type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>"), false],
  ])('is asked for by %s: %s', (element, isAskedFor) => {
    expect(registrationFeature.handles(element)).toBe(isAskedFor)
  })
})
