import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { startPasswordServer } from '../../support/servers/password-server.ts'
import type { TestServer } from '../../support/servers/server.ts'
import { Login, secured, VARIANTS } from '../../support/streams/external-login.ts'
import { attemptPassword } from '../../support/streams/scram-client.ts'
import { external, RawClient, streamHeader } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const bob = ca.issue({ subject: '/CN=bob', xmppAddrs: ['bob@localhost'], extendedKeyUsage: 'clientAuth' })
let server: TestServer

beforeAll(async () => {
  server = await startPasswordServer({ ca, certificates: 'login' })
})
afterAll(async () => {
  await server.stop()
  ca.remove()
})

/** XML::Stream takes the name of the machine, whether or not a domain may have such a name. */
const HOSTS = ['localhost', 'mailhost.lan', '10.0.0.7', 'web_01', 'node.7', '']
const NO_JIDS = ['@', '@localhost', 'bob@', 'bob@web_01', 'a b@localhost']

describe.each(VARIANTS)('from of the stream header over $transport, $version', (variant) => {
  const begin = (from: string) => Login.begin(server, { variant, credentials: bob, from })

  it.each([...HOSTS, ...NO_JIDS, 'alice@localhost', 'bob@other.example', 'bob@localhost', 'BOB@localhost/x'])(
    'is a hint before the login: %j',
    async (from) => {
      const login = await begin(from)
      expect(login.offered[0]).toBe('EXTERNAL')
      login.client.send(external())
      await login.client.receive(/<success/)
      login.client.destroy()
    },
  )

  it.each([
    ...HOSTS.map((from) => ({ from, told: 'features' })),
    { from: 'bob@localhost', told: 'features' },
    { from: 'BOB@localhost/x', told: 'features' },
    { from: 'alice@localhost', told: 'invalid-from' },
    { from: 'bob@other.example', told: 'invalid-from' },
    ...NO_JIDS.map((from) => ({ from, told: 'invalid-from' })),
  ])('must not be another account after the login (RFC 6120 §4.9.3.9): $from: $told', async ({ from, told }) => {
    const { client } = await begin('alice@localhost')
    client.send(external())
    await client.receive(/<success/)
    client.send(streamHeader({ to: 'localhost', from }))
    await client.receive(told === 'features' ? /<stream:features/ : /<stream:error><invalid-from/)
    if (told === 'features') client.destroy()
    else await client.ended()
  })

  it.each([
    { from: 'bob@localhost', told: 'bob@localhost' },
    { from: 'BOB@localhost/x', told: 'bob@localhost' },
    { from: '@', told: 'bob@localhost' },
    { from: 'web_01', told: 'bob@localhost' },
    { from: 'alice@localhost', told: 'invalid-authzid' },
    { from: 'bob@other.example', told: 'invalid-authzid' },
    { from: 'mailhost.lan', told: 'invalid-authzid' },
  ])('is compared with the result of SASL2, which opens no new stream (XEP-0388 §2.3): $from: $told', async (row) => {
    const login = await begin(row.from)
    expect(await login.auth(undefined, 'SASL2')).toBe(row.told)
    login.client.destroy()
  })

  it.each([
    { profile: 'SASL', mechanism: 'PLAIN', told: 'success' },
    { profile: 'SASL', mechanism: 'SCRAM-SHA-256', told: 'success' },
    { profile: 'SASL2', mechanism: 'SCRAM-SHA-256', told: 'invalid-authzid' },
  ] as const)('holds for passwords as well: $mechanism by $profile: $told', async ({ profile, mechanism, told }) => {
    const { client } = await Login.begin(server, { variant, from: 'mailhost.lan' })
    expect(await attemptPassword(client, { profile, mechanism })).toBe(told)
    client.destroy()
  })

  it('is given back as to where it is a JID (RFC 6120 §4.7.2)', async () => {
    for (const [from, to] of [
      ['BOB@localhost', ' to="bob@localhost"'],
      ['@', ''],
    ] as const) {
      const client = await secured(server, { variant })
      client.send(streamHeader({ to: 'localhost', from }))
      const header = await client.receive(/<stream:stream [^>]*>/)
      expect(/ to="[^"]*"/.exec(header)?.[0] ?? '').toBe(to)
      client.destroy()
    }
  })
})

describe('in the clear', () => {
  it.each([...HOSTS, ...NO_JIDS, 'alice@other.example'])('%j is a hint', async (from) => {
    const client = await RawClient.plain({ port: server.port, from })
    expect(await client.open()).toContain('<starttls')
    client.destroy()
  })
})
