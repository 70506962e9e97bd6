import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OpensslCa } from '../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../support/servers/server.ts'
import type { MemoryClient } from '../support/streams/memory-client.ts'
import { inMemory } from '../support/streams/transcript.ts'
import { external2, streamHeader } from '../support/streams/xmpp-client.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The files of the product that a call has come through, in order, each once. */
function filesOnTheWay(stack: string): string[] {
  const paths = [...stack.matchAll(/(?:file:\/\/)?(\/[^\s:()]+\.ts)/g)].map(([, path = '']) => relative(root, path))
  return [...new Set(paths.filter((path) => path.startsWith('src/')).reverse())]
}

describe('from socket to socket', () => {
  const ca = new OpensslCa()
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ ca })
  })
  afterAll(async () => {
    await server.stop()
    ca.remove()
  })

  async function online(name: string): Promise<MemoryClient> {
    const credentialsOf = () =>
      ca.issue({ subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`], extendedKeyUsage: 'clientAuth' })
    const client = await inMemory(server, credentialsOf)(name, 'by TLS')
    client.send(streamHeader({ to: 'localhost' }) + external2("<bind xmlns='urn:xmpp:bind:0'/>") + '<presence/>')
    await client.receive(/<bound.*<presence [^>]*>/s)
    return client
  }

  it.each(['message', 'iq'])('%s passes eight files, and that of the socket', async (kind) => {
    const [alice, bob] = [await online('alice'), await online(`bob-${kind}`)]
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 100
    let stack = ''
    bob.transport.write = () => {
      stack = new Error('on the way').stack ?? ''
    }
    const [{ jid } = { jid: '' }] = server.server.sessions().filter((session) => session.jid.startsWith(`bob-${kind}@`))
    alice.send(
      kind === 'message'
        ? `<message to='${jid}' type='chat'><body>ä</body></message>`
        : `<iq to='${jid}' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
    )
    Error.stackTraceLimit = limit
    expect(filesOnTheWay(stack)).toEqual([
      'src/server/stream/client-stream.ts',
      'src/xmpp/framing/tcp-framing.ts',
      'src/xmpp/xml/stream-parser.ts',
      'src/server/routing/router.ts',
      'src/server/routing/lane.ts',
      'src/server/routing/local-accounts.ts',
      'src/server/session/local-sessions.ts',
      'src/server/session/session.ts',
    ])
    for (const client of [alice, bob]) client.destroy()
  })
})
