import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeWithCa } from '../../commands/client/workspace-checks.ts'
import type { CliHome } from '../../support/processes/cli.ts'
import { ALL_HASHES, expectLogins, expectPasswords, PASSWORD } from './imported-accounts.ts'
import { makeProsodyAccounts } from './peer-accounts.ts'

describe('accounts that Prosody has made', () => {
  const accounts = [
    { user: 'romeo', host: 'localhost', password: PASSWORD, hashes: 'sha-1' },
    { user: 'ju.li-é_t', host: 'localhost', password: 'x', hashes: 'sha-1' },
    { user: 'romeo', host: 'münchen.example', password: PASSWORD, hashes: 'sha-256' },
    { user: 'romeo', host: 'plain.example', password: PASSWORD, hashes: ALL_HASHES },
  ]
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
    const hosts = {
      localhost: ['authentication = "internal_hashed"'],
      'münchen.example': ['authentication = "internal_hashed"', 'password_hash = "SHA-256"'],
      'plain.example': ['authentication = "internal_plain"'],
    }
    makeProsodyAccounts(cli.path('prosody'), hosts, accounts)
  })
  afterAll(() => cli.remove())

  it('keep their passwords, and log in with them', async () => {
    const { code, stdout } = await cli.run(['user', 'import', 'prosody/data'])
    expect(stdout).toMatch(/^4 accounts: 4 created, /)
    expect(code).toBe(0)
    await expectPasswords(cli, accounts)
    await expectLogins(cli, accounts)
  })
})
