import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { issuedCredentials } from '../../support/certificates/issued-credentials.ts'
import type { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'
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
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { deleted: ['carol@localhost'], enrolled: [], ended: [], failed: [] },
    ])
    expect(await cli.run(['user', 'delete', 'carol'])).toMatchObject({ code: 4 })
  })

  it('revokes what the user has enrolled, so that whoever gets the name does not find it', async () => {
    await cli.run(['user', 'add', 'alice', '--generate'])
    const jid = 'alice@localhost'
    const ledger = new SqliteLedger(join(cli.home, 'ledger.db'))
    ledger.transaction((_insert, changes) => {
      const facts = { fingerprint: 'ff', certificate: 'AA==', mayManage: true }
      changes.enrol({ account: jid, label: 'Phone', ...facts, enrolledAt: 1, notAfter: Date.now() + 1_000_000 })
    })
    const { code, stdout } = await cli.run(['user', 'delete', 'alice', '--json'])
    expect({ code, enrolled: JSON.parse(stdout).enrolled }).toEqual({
      code: 0,
      enrolled: [{ jid, label: 'Phone', fingerprint: 'ff' }],
    })
    expect([ledger.enrolments.list(jid), ledger.enrolments.isRevoked(jid, 'ff')]).toEqual([[], true])
    ledger.close()
    expect((await cli.run(['ca', 'audit', '--event', 'enrolment-revoked'])).stdout).toContain(jid)
  })

  it('ends the sessions of the account', async () => {
    await cli.run(['user', 'add', 'bob', '--generate'])
    const serve = new ServeProcess(['--home', cli.home])
    const { port } = await serve.listening()
    const client = await RawClient.online({ port, credentials: issuedCredentials(cli.home, 'bob'), resource: 'x' })
    const result = await cli.run(['user', 'delete', 'bob'])
    expect(result).toMatchObject({ code: 0, stdout: 'bob@localhost deleted\nended bob@localhost/x\n' })
    expect(await client.ended()).toContain('<policy-violation')
    expect(await serve.stop()).toBe(0)
  })
})
