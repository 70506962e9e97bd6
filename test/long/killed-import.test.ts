import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deriveKeys } from '../../src/xmpp/sasl/scram-credentials.ts'
import { homeWithCa } from '../commands/client/workspace-checks.ts'
import { accountsOf } from '../commands/user/accounts-checks.ts'
import type { CliHome } from '../support/processes/cli.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { attemptPassword } from '../support/streams/scram-client.ts'
import { RawClient } from '../support/streams/xmpp-client.ts'

const BINARY = fileURLToPath(new URL('../../bin/xmppki.cjs', import.meta.url))

/** Until the file has this many octets, or `over` is. */
async function hasGrown(path: string, octets: number, over: Promise<unknown>): Promise<void> {
  const watching = new AbortController()
  const { signal } = watching
  const stop = () => watching.abort()
  over.then(stop, stop)
  const isThere = () => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= octets
  try {
    for await (const _change of watch(dirname(path), { signal })) if (isThere()) return
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

describe('user import that does not come to its end', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
  })
  afterAll(() => cli.remove())

  it('kill -9: all accounts or none, and the same command does the rest', async () => {
    const count = 50_000
    const key = () => randomBytes(32).toString('base64')
    const rows = Array.from({ length: count }, (_, index) => `user${index},${key()},${key()},AAAA,4096`)
    writeFileSync(cli.path('big.csv'), ['jid,stored_key,server_key,salt,iterations', ...rows].join('\n'))
    const journal = join(cli.home, 'accounts.db-wal')
    // What does not fit into memory goes to the journal before the end of the transaction: a part of it each time.
    for (const part of [0.1, 0.5, 0.9]) {
      const child = spawn(process.execPath, [BINARY, 'user', 'import', cli.path('big.csv'), '--home', cli.home])
      const exit = once(child, 'exit')
      await hasGrown(journal, part * count * 250, exit)
      child.kill('SIGKILL')
      await exit
      expect([0, count]).toContain((await accountsOf(cli)).length)
    }
    expect(await cli.run(['user', 'import', 'big.csv', '--if-missing'])).toMatchObject({ code: 0 })
    expect(await accountsOf(cli)).toHaveLength(count)
  })

  it('kill -9 of the server that has the accounts open: all of them, and the next server knows them', async () => {
    const count = 20_000
    const { 'sha-256': keys } = await deriveKeys('open sesame', { hashes: ['sha-256'], iterations: 4096 })
    const { storedKey, serverKey, salt } = keys ?? {}
    const rows = Array.from({ length: count }, (_, index) => `held${index},${storedKey},${serverKey},${salt},4096`)
    writeFileSync(cli.path('held.csv'), ['jid,stored_key,server_key,salt,iterations', ...rows].join('\n'))
    writeFileSync(join(cli.home, 'xmppki.toml'), '[auth]\nmethods = ["rdbms", "pki"]\n')
    const before = (await accountsOf(cli)).length
    const serve = new ServeProcess(['--home', cli.home])
    await serve.listening()
    const running = cli.run(['user', 'import', 'held.csv'])
    const journal = join(cli.home, 'accounts.db-wal')
    await hasGrown(journal, 0.3 * count * 250, running)
    await serve.stop('SIGKILL')
    expect(await running).toMatchObject({ code: 0 })
    expect(await accountsOf(cli)).toHaveLength(before + count)
    const next = new ServeProcess(['--home', cli.home])
    const { port } = await next.listening()
    const client = await RawClient.secured({ port })
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256', username: `held${count - 1}` })).toBe('success')
    client.destroy()
    expect(await next.stop()).toBe(0)
  })
})
