import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../src/config/load.ts'
import type { Configuration } from '../../src/config/schema.ts'
import { AccountStore } from '../../src/service/account-store.ts'
import { account } from '../store/accounts-contract.ts'
import { LogBook } from '../support/servers/server.ts'

let folder: string
let log: LogBook
let store: AccountStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-account-store-'))
  log = new LogBook()
  store = new AccountStore(join(folder, 'accounts.db'), log)
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

/** A configuration in which passwords log in as well. */
function withPasswords(document = ''): Configuration {
  const source = { file: undefined, home: undefined, overrides: [], defaultHost: 'localhost' }
  const { configuration } = checkConfiguration(document, source)
  if (configuration === undefined) throw new Error('no configuration')
  return { ...configuration, auth: { ...configuration.auth, methods: ['pki', 'rdbms'] } }
}

const ELSEWHERE = '[store]\nurl = "postgres://u:sesame@127.0.0.1:1/d"'

describe('AccountStore', () => {
  it('opens nothing where only certificates log in', async () => {
    const { auth, ...others } = withPasswords()
    const { accounts } = await store.prepare({ ...others, auth: { ...auth, methods: ['pki'] } })
    expect(accounts).toBeUndefined()
  })

  it('keeps what is open as long as the place is the same, and closes it when it is another', async () => {
    const first = await store.prepare(withPasswords())
    await first.take()
    await first.accounts?.create(account('alice@localhost'), {})
    const again = await store.prepare(withPasswords())
    expect(again.accounts).toBe(first.accounts)
    await again.giveBack()
    await again.take()
    expect(await first.accounts?.list()).toHaveLength(1)
    const other = await store.prepare(withPasswords(ELSEWHERE))
    await other.giveBack()
    expect(await first.accounts?.list()).toHaveLength(1)
    await (await store.prepare(withPasswords(ELSEWHERE))).take()
    await expect(first.accounts?.list()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('says that a database is away, and goes on', async () => {
    await (await store.prepare(withPasswords(ELSEWHERE))).take()
    const line = log.find('the accounts cannot be read')
    expect(line).toMatchObject({ level: 'error', error: expect.stringContaining('127.0.0.1 cannot be reached') })
    expect(JSON.stringify(log.lines)).not.toContain('sesame')
  })
})
