import { randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  expectAgreement,
  expectConsistent,
  filesOf,
  homeWithCa,
  ledgerOf,
  openssl,
} from '../commands/client/workspace-checks.ts'
import type { CliHome } from '../support/processes/cli.ts'

describe('kill -9 at any moment', () => {
  let cli: CliHome
  beforeEach(async () => {
    cli = await homeWithCa()
  })
  afterEach(() => cli.remove())

  it('client issue --file: every user complete or absent, and the same command does the rest', async () => {
    const users = Array.from({ length: 150 }, (_, index) => `user${index}`)
    writeFileSync(cli.path('users'), users.join('\n'))
    const args = ['client', 'issue', '--file', 'users']
    for (let round = 0; round < 3; round++) {
      await cli.run(args, { killAfter: randomInt(400, 1100) })
      const clients = join(cli.home, 'clients', 'localhost')
      const visible = existsSync(clients) ? readdirSync(clients).filter((name) => !name.startsWith('.')) : []
      for (const name of visible) expect(readdirSync(join(clients, name)).sort()).toEqual(filesOf(name))
    }
    const last = await cli.run(args)
    expect(last.code, last.stderr).toBe(0)
    await cli.run(['client', 'issue', 'last'])
    expect(expectConsistent(cli)).toEqual([...users, 'last'].sort())
  })

  it('client issue with names: files complete or absent, the next run finishes the job', async () => {
    const users = Array.from({ length: 12 }, (_, index) => `user${index}`)
    const args = ['client', 'issue', '--if-missing', ...users]
    for (let round = 0; round < 5; round++) {
      await cli.run(args, { killAfter: randomInt(250, 900) })
      const clients = join(cli.home, 'clients', 'localhost')
      const visible = existsSync(clients) ? readdirSync(clients).filter((name) => !name.startsWith('.')) : []
      for (const name of visible) expect(readdirSync(join(clients, name)).sort()).toEqual(filesOf(name))
    }
    expect(await cli.run(args)).toMatchObject({ code: 0 })
    await cli.run(['client', 'issue', 'last'])
    expect(expectConsistent(cli)).toEqual([...users, 'last'].sort())
    expect(readdirSync(join(cli.home, 'tmp'))).toEqual([])
  })

  it('client issue --sheets: the same command makes the rest', async () => {
    const users = Array.from({ length: 120 }, (_, index) => `k${index}`)
    writeFileSync(cli.path('many'), users.join('\n'))
    const args = ['client', 'issue', '--file', 'many', '--sheets', 'killed']
    for (const killAfter of [500, 800, 1100]) {
      await cli.run(args, { killAfter })
      const there = existsSync(cli.path('killed')) ? readdirSync(cli.path('killed')) : []
      for (const name of there.filter((one) => !one.startsWith('.'))) {
        expect(readFileSync(cli.path('killed', name), 'utf8')).toMatch(/<\/html>\n$/)
      }
    }
    const last = await cli.run(args)
    expect(last.code, last.stderr).toBe(0)
    expect(readdirSync(cli.path('killed')).sort()).toEqual(users.map((name) => `${name}.html`).sort())
  })

  it('client renew: nobody loses a file, and the next run brings folders and ledger together', async () => {
    const users = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6']
    await cli.run(['client', 'issue', ...users])
    for (const killAfter of [170, 200, 230, 260, 290, 320, 350, 380, 420, 460]) {
      await cli.run(['client', 'renew', '--all', '--rekey'], { killAfter })
    }
    const final = await cli.run(['client', 'renew', ...users])
    expect(final).toMatchObject({ code: 0, stderr: '' })
    expectAgreement(cli)
    const names = ledgerOf(cli).map(({ name }) => name)
    for (const user of users) expect(names.filter((name) => name === `${user}@localhost`).length).toBeGreaterThan(1)
  })

  it('client revoke: the next run finishes the job', async () => {
    await cli.run(['client', 'issue', 'alice', 'bob'])
    for (const killAfter of [150, 250, 300, 350, 400]) await cli.run(['client', 'revoke', 'alice'], { killAfter })
    expect(await cli.run(['client', 'revoke', 'alice'])).toMatchObject({ code: 0 })
    const [alice, bob] = ['alice@localhost', 'bob@localhost'].map((jid) => {
      return ledgerOf(cli).find(({ name }) => name === jid)
    })
    expect([alice?.revokedAt === undefined, bob?.revokedAt === undefined]).toEqual([false, true])
    expect(openssl('crl', '-in', cli.path('home/ca/root.crl'), '-noout', '-text').toLowerCase()).toContain(
      `serial number: ${alice?.serial}`,
    )
  })

  it('ca backup: no file or a whole one', async () => {
    const env = { XMPPKI_BACKUP_PASSPHRASE: 'of the backup' }
    const run = (args: string[], killAfter?: number) =>
      cli.run(args, killAfter === undefined ? { env } : { env, killAfter })
    const began = performance.now()
    await run(['ca', 'backup', 'whole.age'])
    const duration = performance.now() - began
    for (const share of [0.6, 0.85, 0.95]) {
      const file = cli.path(`killed-${share}.age`)
      await run(['ca', 'backup', file], Math.ceil(duration * share))
      if (!existsSync(file)) continue
      const { code } = await run(['ca', 'restore', file, '--home', cli.path(`home-${share}`)])
      expect(code).toBe(0)
    }
    expect((await run(['ca', 'audit'])).code).toBe(0)
    expect((await run(['client', 'issue', 'alice'])).code).toBe(0)
    expect(readdirSync(cli.path('home/tmp'))).toEqual([])
  })
})
