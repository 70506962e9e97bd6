import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa } from '../client/workspace-checks.ts'
import { accountsOf } from './accounts-checks.ts'

describe('user list', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
  })
  afterAll(() => cli.remove())

  it('says that there are none', async () => {
    expect(await cli.run(['user', 'list'])).toMatchObject({ code: 0, stdout: 'there are no accounts\n' })
  })

  it('shows what there is, and nothing that helps to log in', async () => {
    await cli.run(['user', 'add', 'bob@b.example', 'alice', '--generate'])
    await cli.run(['user', 'add', 'device', '--no-password'])
    const human = await cli.run(['user', 'list'])
    const { accounts: all } = JSON.parse((await cli.run(['user', 'list', '--json'])).stdout)
    const days = all.map(({ createdAt }: { createdAt: string }) => createdAt.slice(0, 10))
    expect(human.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['USER', 'PASSWORD', 'CREATED', 'CHANGED'],
      ['alice@localhost', expect.stringMatching(/^sha-1 \(\d+\)/), days[0], days[0]],
      ['bob@b.example', expect.stringMatching(/^sha-1 \(\d+\)/), days[1], days[1]],
      ['device@localhost', 'none', days[2], days[2]],
      [''],
    ])
    const { stdout } = await cli.run(['user', 'list', '--json', '--domain', 'b.example'])
    const { accounts } = JSON.parse(stdout)
    expect(accounts).toMatchObject([{ jid: 'bob@b.example', createdAt: expect.stringMatching(/^\d{4}-.*Z$/) }])
    expect(accounts[0].hashes).toContainEqual({ hash: 'sha-256', iterations: expect.any(Number) })
    const stored = await accountsOf(cli)
    const secrets = stored
      .flatMap(({ keys }) => Object.values(keys))
      .flatMap(({ salt, storedKey }) => [salt, storedKey])
    expect(secrets.length).toBeGreaterThan(3)
    for (const secret of secrets) expect(human.stdout + stdout).not.toContain(secret)
  })
})
