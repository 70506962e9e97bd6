import { describe, expect, it } from 'vitest'
import { resultOf } from '../../support/servers/realm.ts'

const SESSION = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"

describe('a session as RFC 3921 §3 has it', () => {
  it.each([
    { name: 'of nobody', iq: `<iq type='set' id='1'>${SESSION}</iq>` },
    { name: 'of the server', iq: `<iq to='localhost' type='set' id='1'>${SESSION}</iq>` },
  ])('that is asked for $name has no effect and is answered', ({ iq }) => {
    expect(resultOf(iq)).toBe('')
  })
})
