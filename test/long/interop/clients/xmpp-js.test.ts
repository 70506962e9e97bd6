import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LineProcess } from '../../../interop/line-process.ts'
import { type ClientFiles, Service } from '../../../interop/service.ts'
import { hasXmppJsPackage, XMPP_JS_PACKAGE } from './xmpp-js-package.mjs'

const SCRIPT = fileURLToPath(new URL('./xmpp-js-client.mjs', import.meta.url))
const PHONE = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const LAPTOP = '0c8ed1b5-21a4-4a77-9f5c-0a9b8f3d1a2e'

// A machine without access to the registry cannot have the package; CI has to.
const isPossible = hasXmppJsPackage() || process.env['CI'] === 'true'

describe.skipIf(!isPossible)('@xmpp/client: SASL2 (XEP-0388) with Bind 2 (XEP-0386)', () => {
  let service: Service
  let alice: ClientFiles
  let bob: ClientFiles
  const started: LineProcess[] = []

  beforeAll(async () => {
    service = await Service.create()
    alice = await service.issue('alice')
    bob = await service.issue('bob')
    await service.start()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((client) => client.stop('SIGKILL')))
  })
  afterAll(() => service?.end())

  function start({ key, certificate }: ClientFiles, agent: string, tag = 'AwesomeXMPP'): LineProcess {
    const facts = { folder: XMPP_JS_PACKAGE, port: service.tlsPort, ca: service.rootCertificate }
    const who = JSON.stringify({ ...facts, certificate, key, agent, tag })
    const client = new LineProcess(process.execPath, [SCRIPT, who])
    started.push(client)
    return client
  }

  const online = (client: LineProcess) => client.take('stdout', { event: 'online' })

  it('logs in and binds with one element, sends a message and receives one', async () => {
    const a = start(alice, PHONE)
    const b = start(bob, LAPTOP, 'other')
    const [one, other] = [await online(a), await online(b)]
    expect(one).toMatchObject({ sent: ['authenticate'] })
    expect(one['jid']).toMatch(/^alice@localhost\/AwesomeXMPP\/[\w-]+$/)
    expect(other['jid']).toMatch(/^bob@localhost\/other\/[\w-]+$/)
    await service.logged({ msg: 'logged in', account: 'alice@localhost' })

    a.write({ to: other['jid'], body: 'over one round trip' })
    expect(await b.take('stdout', { event: 'message' })).toMatchObject({
      from: one['jid'],
      body: 'over one round trip',
    })
    for (const client of [a, b]) expect(await client.finish(), client.stderr.text).toEqual({ code: 0, signal: null })
  })

  it('replaces its own session when it comes back, and leaves the one of another device alone', async () => {
    const lost = start(alice, PHONE)
    await online(lost)
    const device = start(alice, LAPTOP)
    const { jid } = await online(device)
    const back = start(alice, PHONE)
    await online(back)
    expect(await lost.take('stdout', { event: 'error' })).toMatchObject({ condition: 'conflict' })
    back.write({ to: jid, body: 'still there?' })
    expect(await device.take('stdout', { event: 'message' })).toMatchObject({ body: 'still there?' })
  })

  it('with a certificate of another CA it is not let in', async () => {
    const other = await Service.create('--cn', 'another CA')
    try {
      const client = start(await other.issue('alice'), PHONE)
      expect(await client.take('stdout', { event: 'error' })).toMatchObject({
        message: expect.stringContaining('No compatible mechanism'),
      })
      await service.logged({ msg: 'EXTERNAL not offered', check: 'unknown-ca' })
    } finally {
      await other.end()
    }
  })
})
