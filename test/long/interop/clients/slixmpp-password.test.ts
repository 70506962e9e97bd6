import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type SlixmppOptions, slixmpp } from '../../../interop/clients/slixmpp.ts'
import type { LineProcess } from '../../../interop/line-process.ts'
import { Service } from '../../../interop/service.ts'

const PASSWORD = 'se,same=\u00fc'

describe('slixmpp with a password', () => {
  let service: Service
  const started: LineProcess[] = []

  beforeAll(async () => {
    service = await Service.create()
    await service.addAccount('alice', PASSWORD)
    await service.start()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((client) => client.stop('SIGKILL')))
  })
  afterAll(() => service?.end())

  function start(options: Partial<SlixmppOptions>): LineProcess {
    const client = slixmpp(service, { jid: 'alice@localhost/a', password: PASSWORD, ...options })
    started.push(client)
    return client
  }

  // It knows no channel binding but tls-unique, and takes it wherever it sees -PLUS.
  it.each([
    { directTls: false, tls12: false },
    { directTls: false, tls12: true },
    { directTls: true, tls12: false },
    { directTls: true, tls12: true },
  ])('logs in with SCRAM and channel binding: %j', async (options) => {
    const online = await start(options).take('stdout', { event: 'online' })
    expect(online).toMatchObject({
      jid: 'alice@localhost/a',
      mechanism: 'SCRAM-SHA-512-PLUS',
      tls: options.tls12 ? 'TLSv1.2' : 'TLSv1.3',
    })
  })

  it('is refused with another password', async () => {
    const client = start({ password: 'close sesame' })
    expect(await client.take('stdout', { event: 'refused' })).toMatchObject({ reason: 'SASL: not-authorized' })
  })

  it('logs in to the same account with a certificate when it has one', async () => {
    const files = await service.issue('alice')
    const online = await start({ jid: 'alice@localhost/b', files }).take('stdout', { event: 'online' })
    expect(online).toMatchObject({ jid: 'alice@localhost/b', mechanism: 'EXTERNAL' })
  })
})
