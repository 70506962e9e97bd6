import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Credentials } from '../support/certificates.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { RawClient } from '../support/xmpp-client.ts'

describe('two clients', () => {
  let t: TestServer
  let alice: Credentials
  let bob: Credentials
  beforeAll(async () => {
    t = await startTestServer()
    alice = t.ca.issue({
      subject: '/CN=alice',
      xmppAddrs: ['alice@localhost'],
      extendedKeyUsage: 'clientAuth',
    })
    bob = t.ca.issue({
      subject: '/CN=bob',
      xmppAddrs: ['bob@localhost'],
      extendedKeyUsage: 'clientAuth',
    })
  })
  afterAll(() => t.stop())

  it('log in and exchange messages', async () => {
    const a = await RawClient.online({
      port: t.port,
      credentials: alice,
      resource: 'phone',
    })
    const b = await RawClient.online({ port: t.port, credentials: bob })
    b.send('<presence/>')
    await b.receive(/<presence[^>]*\/>/)
    a.send("<message to='bob@localhost' type='chat' id='m1'><body>Hello</body></message>")
    expect(await b.receive(/<message.*<\/message>/)).toBe(
      '<message to="bob@localhost" type="chat" id="m1" from="alice@localhost/phone"><body>Hello</body></message>',
    )
    a.destroy()
    b.destroy()
  })
})
