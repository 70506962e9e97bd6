import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SqliteAccounts } from '../../src/store/sqlite-accounts.ts'
import { deriveKeys } from '../../src/xmpp/sasl/scram-credentials.ts'
import { SCRAM_HASHES } from '../../src/xmpp/sasl/scram-keys.ts'
import type { LineProcess } from './line-process.ts'
import { Service } from './service.ts'
import { type SlixmppOptions, slixmpp } from './slixmpp.ts'

const PASSWORD = 'se,same=\u00fc'

describe('slixmpp with a password', () => {
  let service: Service
  const started: LineProcess[] = []

  beforeAll(async () => {
    service = await Service.create()
    const accounts = new SqliteAccounts(join(service.cli.home, 'accounts.db'))
    const keys = await deriveKeys(PASSWORD, { hashes: SCRAM_HASHES, iterations: 4096 })
    await accounts.create({ jid: 'alice@localhost', keys, createdAt: 1, changedAt: 1 }, {})
    await accounts.close()
    writeFileSync(join(service.cli.home, 'xmppki.toml'), '[auth]\nmethods = ["rdbms", "pki"]\n')
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

  it('still logs in with a certificate when it has one', async () => {
    const files = await service.issue('bob')
    const online = await start({ jid: 'bob@localhost/b', files }).take('stdout', { event: 'online' })
    expect(online).toMatchObject({ jid: 'bob@localhost/b', mechanism: 'EXTERNAL' })
  })
})
