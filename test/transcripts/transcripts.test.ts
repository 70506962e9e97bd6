import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../support/servers/server.ts'
import { inMemory, overTheNetwork, Transcript } from '../support/streams/transcript.ts'

const scripts = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'))

/** Conversations as real clients lead them; what they send is in the files beside this one. */
describe('transcripts', () => {
  const ca = new OpensslCa()
  const issued = new Map<string, Credentials>()
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ ca })
  })
  afterAll(async () => {
    await server.stop()
    ca.remove()
  })

  function credentialsOf(actor: string): Credentials {
    const credentials =
      issued.get(actor) ??
      ca.issue({ subject: `/CN=${actor}`, xmppAddrs: [`${actor}@localhost`], extendedKeyUsage: 'clientAuth' })
    issued.set(actor, credentials)
    return credentials
  }

  describe.each([
    { way: 'over TLS', connect: overTheNetwork },
    { way: 'in memory', connect: inMemory },
  ])('$way', ({ connect }) => {
    it.each(scripts)('%s', async (name) => {
      const text = readFileSync(`${import.meta.dirname}/${name}`, 'utf8')
      await new Transcript(connect(server, credentialsOf)).play(text)
    })
  })
})
