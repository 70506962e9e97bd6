import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { slixmpp } from '../../../interop/clients/slixmpp.ts'
import { LineProcess } from '../../../interop/line-process.ts'
import { Service } from '../../../interop/service.ts'
import { Gajim } from './gajim.ts'
import { startProfanity } from './profanity.ts'
import { hasXmppJsPackage, XMPP_JS_PACKAGE } from './xmpp-js-package.mjs'

const XMPP_JS = fileURLToPath(new URL('./xmpp-js-client.mjs', import.meta.url))
const PASSWORD = 'open sesame'

let service: Service
let bob: LineProcess
beforeAll(async () => {
  service = await Service.create()
  const files = await service.issue('bob')
  for (const name of ['gajim', 'profanity', 'script']) await service.addAccount(name, PASSWORD)
  await service.start()
  bob = slixmpp(service, { jid: 'bob@localhost/b', files })
  await bob.take('stdout', { event: 'online' })
})
afterAll(async () => {
  await bob?.stop('SIGKILL')
  await service?.end()
})

const online = () => service.run('session', 'list', '--json')

describe('Profanity', () => {
  it('verifies the server, logs in with SCRAM, and talks with somebody who has a certificate', async () => {
    const profanity = startProfanity(service, 'profanity@localhost', PASSWORD)
    try {
      await profanity.shows('screen', 'profanity@localhost/profanity logged in successfully')
      expect(JSON.parse(await online()).sessions).toContainEqual(
        expect.objectContaining({ jid: 'profanity@localhost/profanity', mechanism: 'SCRAM-SHA-512', serial: null }),
      )
      await profanity.type('/msg bob@localhost What light?')
      expect(await bob.take('stdout', { event: 'message', body: 'What light?' })).toMatchObject({
        from: 'profanity@localhost/profanity',
      })
      // Its presence follows the answer with its roster: it may have said more by then. What comes back has been heard.
      await profanity.shows('log', /RECV: <presence [^>]*from="profanity@localhost\//)
      bob.write({ to: 'profanity@localhost', body: 'It is the east' })
      await profanity.shows('screen', 'It is the east')
    } finally {
      profanity.end()
    }
  })
})

describe('Gajim', () => {
  it('logs in with SCRAM and receives a message', async () => {
    const gajim = await Gajim.start(service, 'gajim@localhost', PASSWORD)
    try {
      expect(await gajim.exchanged(/<auth /)).toMatch(/mechanism="SCRAM-SHA-512(-PLUS)?"/)
      await gajim.exchanged(/<success /)
      // It logs its presence before it sends it; what comes back has been heard by the server (RFC 6121 §4.2.2).
      await gajim.exchanged(/<presence [^>]*from="gajim@localhost\//)
      bob.write({ to: 'gajim@localhost', body: 'Soft!' })
      await gajim.exchanged(/<body>Soft!<\/body>/)
    } finally {
      await gajim.end()
    }
  })
})

// A machine without access to the registry cannot have the package; CI has to.
const isPossible = hasXmppJsPackage() || process.env['CI'] === 'true'

describe.skipIf(!isPossible)('@xmpp/client', () => {
  const started: LineProcess[] = []
  afterEach(async () => {
    await Promise.all(started.splice(0).map((client) => client.stop('SIGKILL')))
  })

  function start(password: string): LineProcess {
    const facts = { folder: XMPP_JS_PACKAGE, port: service.tlsPort, ca: service.rootCertificate }
    const agent = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
    const who = { ...facts, username: 'script', password, agent, tag: 'bot' }
    const client = new LineProcess(process.execPath, [XMPP_JS, JSON.stringify(who)])
    started.push(client)
    return client
  }

  it('logs in with SCRAM over SASL2, and sends a message', async () => {
    const client = start(PASSWORD)
    const { jid, mechanism } = await client.take('stdout', { event: 'online' })
    expect(jid).toMatch(/^script@localhost\/bot\//)
    expect(mechanism).toMatch(/^SCRAM-SHA-/)
    client.write({ to: 'bob@localhost', body: 'from a script' })
    expect(await bob.take('stdout', { event: 'message', body: 'from a script' })).toMatchObject({ from: jid })
  })

  it('is refused with another password', async () => {
    const client = start('close sesame')
    expect(await client.take('stdout', { event: 'error' })).toMatchObject({ condition: 'not-authorized' })
  })
})
