import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'
import { expectConsistent, homeWithCa } from './workspace-checks.ts'

describe('many processes on one workspace', () => {
  it('16 at once: 16 certificates, 16 serial numbers, 16 rows', async () => {
    const cli = await homeWithCa()
    const users = Array.from({ length: 16 }, (_, index) => `user${index}`)
    const results = await Promise.all(users.map((user) => cli.run(['client', 'issue', user])))
    expect(results.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual(users.map(() => '0 '))
    expect(expectConsistent(cli)).toEqual(users.sort())
    cli.remove()
  })

  it('8 at once for the same user: one certificate', async () => {
    const cli = await homeWithCa()
    const results = await Promise.all(Array.from({ length: 8 }, () => cli.run(['client', 'issue', 'alice'])))
    expect(results.map(({ code }) => code).sort()).toEqual([0, 3, 3, 3, 3, 3, 3, 3])
    expect(expectConsistent(cli)).toEqual(['alice'])
    cli.remove()
  })

  it('8 at once that make the CA: one CA', async () => {
    const cli = new CliHome()
    const results = await Promise.all(Array.from({ length: 8 }, () => cli.run(['ca', 'init', '--no-passphrase'])))
    expect(results.map(({ code }) => code).sort()).toEqual([0, 3, 3, 3, 3, 3, 3, 3])
    // Of two that close the ledger in the same moment neither is the last, and SQLite leaves its WAL to the next one.
    const made = readdirSync(cli.home).filter((name) => !/^ledger\.db-(wal|shm)$/.test(name))
    expect(made.sort()).toEqual(['ca', 'ledger.db', 'tmp', 'workspace.json'])
    cli.remove()
  })
})
