import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/cli.ts'
import { homeWithCa } from '../client/workspace-checks.ts'
import { accountsOf } from './accounts-checks.ts'

describe('user delete', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
    await cli.run(['user', 'add', 'alice', 'bob', 'carol', '--generate'])
    await cli.run(['client', 'issue', 'bob'])
  })
  afterAll(() => cli.remove())

  it('does what it can, and says which certificates stay good', async () => {
    const result = await cli.run(['user', 'delete', 'alice', 'dora', 'BOB@localhost'])
    expect(result).toMatchObject({ code: 9, stdout: 'alice@localhost deleted\nbob@localhost deleted\n' })
    expect(result.stderr.split('\n')).toEqual([
      expect.stringContaining('note: "BOB@localhost" is the user bob@localhost'),
      'warning: bob@localhost has certificates that stay good; run: xmppki client revoke bob@localhost --all-devices',
      'error: there is no account dora@localhost',
      'hint:  see: xmppki user list',
      'error: 1 of 3 users failed',
      '',
    ])
    expect((await accountsOf(cli)).map(({ jid }) => jid)).toEqual(['carol@localhost'])
  })

  it('does nothing when a name is bad', async () => {
    expect(await cli.run(['user', 'delete', 'carol', 'a b'])).toMatchObject({ code: 2 })
    expect(await accountsOf(cli)).toHaveLength(1)
  })

  it('answers in JSON', async () => {
    const { code, stdout } = await cli.run(['user', 'delete', 'carol', '--json'])
    expect([code, JSON.parse(stdout)]).toEqual([0, { deleted: ['carol@localhost'], failed: [] }])
    expect(await cli.run(['user', 'delete', 'carol'])).toMatchObject({ code: 4 })
  })
})
