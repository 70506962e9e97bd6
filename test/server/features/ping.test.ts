import { describe, expect, it } from 'vitest'
import { resultOf } from '../../support/servers/realm.ts'

const PING = "<ping xmlns='urn:xmpp:ping'/>"

describe('XMPP ping (XEP-0199)', () => {
  it.each([
    { name: 'without to', iq: `<iq type='get' id='1'>${PING}</iq>` },
    { name: 'to the server', iq: `<iq to='localhost' type='get' id='1'>${PING}</iq>` },
  ])('$name is answered with an empty result', ({ iq }) => {
    expect(resultOf(iq)).toBe('')
  })
})
