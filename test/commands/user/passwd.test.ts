import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa } from '../client/workspace-checks.ts'
import { accountsOf, logsIn } from './accounts-checks.ts'

describe('user passwd', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
    await cli.run(['user', 'add', 'alice', '--password-file', '-'], { stdin: 'first\n' })
  })
  afterAll(() => cli.remove())

  it('replaces the password', async () => {
    const [before] = await accountsOf(cli)
    const result = await cli.run(['user', 'passwd', 'alice', '--password-file', '-'], { stdin: 'second' })
    expect(result).toMatchObject({ code: 0, stdout: 'alice@localhost has a new password\n', stderr: '' })
    expect(await logsIn(cli, 'alice@localhost', 'first')).toBe(false)
    expect(await logsIn(cli, 'alice@localhost', 'second')).toBe(true)
    const [after] = await accountsOf(cli)
    expect(after?.createdAt).toBe(before?.createdAt)
    expect(after?.changedAt).toBeGreaterThan(before?.changedAt ?? 0)
  })

  it('makes one up', async () => {
    const { stdout } = await cli.run(['user', 'passwd', 'alice', '--generate', '--json'])
    const { jid, password } = JSON.parse(stdout)
    expect(await logsIn(cli, jid, password)).toBe(true)
  })

  it('takes it away', async () => {
    const result = await cli.run(['user', 'passwd', 'alice', '--no-password'])
    expect(result).toMatchObject({ code: 0, stdout: 'alice@localhost has no password any more\n' })
    expect((await accountsOf(cli)).map(({ keys }) => keys)).toEqual([{}])
  })

  it('makes no account', async () => {
    const result = await cli.run(['user', 'passwd', 'bob', '--generate'])
    expect(result).toMatchObject({ code: 4, stdout: '' })
    expect(result.stderr).toContain('error: there is no account bob@localhost\nhint:  make one: xmppki user add')
    expect(await accountsOf(cli)).toHaveLength(1)
  })
})
