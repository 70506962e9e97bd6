import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { listenerOptions } from '../../../src/server/net/endpoint.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { MemoryClient } from '../../support/streams/memory-client.ts'
import { external, streamHeader } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const certificateOf = (name: string): Credentials =>
  ca.issue({ subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`], extendedKeyUsage: 'clientAuth' })
const LOCAL = { host: '127.0.0.1', port: 0, mode: 'tls' } as const

let t: TestServer
beforeAll(async () => {
  const endpoints = [LOCAL, { ...LOCAL, limits: { ...DEFAULT_LIMITS, outboundBytes: 100 } }]
  t = await startTestServer({ ca, endpoints })
})
afterAll(async () => {
  await t.stop()
  ca.remove()
})

/** Logged in by this one of the listeners, with the resource `r`. */
async function online(name: string, listener: 0 | 1): Promise<MemoryClient> {
  const client = new MemoryClient({ secured: true, credentials: certificateOf(name) })
  const door = listenerOptions(t.options)[listener]
  if (door === undefined) throw new Error('the server has no such listener')
  t.server.accept(client.transport, door)
  client.send(streamHeader({ to: 'localhost' }))
  await client.receive(/<\/stream:features>/)
  client.send(external())
  await client.receive(/<success[^>]*>/)
  client.send(streamHeader({ to: 'localhost' }))
  await client.receive(/<\/stream:features>/)
  client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>")
  await client.receive(/<iq [^>]*id="b".*?<\/iq>/)
  return client
}

describe('a session', () => {
  it('is limited as the listener says that it came by, also in what may wait for it', async () => {
    const [wide, narrow, sender] = [await online('bob', 0), await online('carol', 1), await online('alice', 0)]
    for (const { transport } of [wide, narrow]) transport.isClogged = true
    const body = 'x'.repeat(100)
    for (const to of ['bob@localhost/r', 'carol@localhost/r']) {
      for (const id of [1, 2]) sender.send(`<message to='${to}' type='chat' id='${id}'><body>${body}</body></message>`)
    }
    const refused = await sender.receive(/^<message type="error".*?<\/message>/)
    expect(refused).toMatch(/from="carol@localhost\/r".*<resource-constraint/)
    expect(refused).toContain('id="2"')
    sender.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await sender.receive(/^<iq [^>]*id="p"/)
    for (const client of [wide, narrow, sender]) client.destroy()
  })
})
