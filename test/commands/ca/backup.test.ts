import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CliHome, runCli } from '../../support/processes/cli.ts'

const SECRETS = { XMPPKI_CA_PASSPHRASE: 'of the ca', XMPPKI_BACKUP_PASSPHRASE: 'of the backup' }

let cli: CliHome
beforeEach(async () => {
  cli = new CliHome()
  expect((await cli.run(['ca', 'init'], { env: SECRETS })).code).toBe(0)
})
afterEach(() => cli.remove())

const run = (args: string[], env: Record<string, string> = {}) => cli.run(args, { env: { ...SECRETS, ...env } })

describe('ca backup and ca restore', () => {
  it('move everything to an empty machine, where it goes on', async () => {
    await run(['client', 'issue', 'alice', 'bob'])
    const made = await run(['ca', 'backup', 'pki.age', '--json'])
    expect(made.code).toBe(0)
    expect(JSON.parse(made.stdout)).toMatchObject({ file: cli.path('pki.age'), outside: 0, skipped: [] })
    expect(statSync(cli.path('pki.age')).mode & 0o777).toBe(0o600)
    // Another home of another user: nothing of the first one is left to be found.
    const there = (args: string[]) =>
      runCli(args, { env: { ...SECRETS, HOME: cli.path('moved'), XDG_DATA_HOME: cli.path('moved') } })
    const restored = await there(['ca', 'restore', cli.path('pki.age'), '--json'])
    expect({ code: restored.code, stderr: restored.stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(restored.stdout)).toMatchObject({ home: cli.path('moved/xmppki'), certificates: 3 })
    for (const args of [
      ['client', 'issue', 'carol'],
      ['client', 'renew', 'alice'],
      ['client', 'revoke', 'bob'],
    ]) {
      const { code, stderr } = await there(args)
      expect({ args, code, stderr }).toMatchObject({ args, code: 0 })
    }
    const list = await there(['client', 'list', '--json'])
    const states = JSON.parse(list.stdout).clients.map(({ jid, state }: { jid: string; state: string }) => [jid, state])
    expect(states).toEqual([
      ['alice@localhost', 'valid'],
      ['alice@localhost', 'superseded'],
      ['bob@localhost', 'revoked'],
      ['carol@localhost', 'valid'],
    ])
    const audit = await there(['ca', 'audit', '--event', 'restored', '--event', 'revoked', '--json'])
    expect(audit.stdout.trimEnd().split('\n')).toHaveLength(3)
    expect((await there(['ca', 'restore', cli.path('pki.age')])).code).toBe(3)
  })

  it('refuses to go through a pipe, which would get the report instead', async () => {
    const { code, stdout, stderr } = await run(['ca', 'backup', '-'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('standard input and output cannot be used here')
    expect(readdirSync(cli.folder)).toEqual(['home'])
  })

  it.each<[what: string, args: string[], env: Record<string, string>, exitCode: number]>([
    ['a file that is there', ['backup', 'taken'], {}, 3],
    ['a file in the workspace', ['backup', 'home/pki.age'], {}, 2],
    ['a blank passphrase', ['backup', 'pki.age'], { XMPPKI_BACKUP_PASSPHRASE: ' ' }, 5],
    ['a home without a CA', ['backup', 'pki.age', '--home', '/nonexistent'], {}, 4],
    ['a backup that is not there', ['restore', 'none', '--home', 'new'], {}, 4],
    ['what is not a backup', ['restore', 'taken', '--home', 'new'], {}, 2],
  ])('refuse %s', async (_what, args, env, exitCode) => {
    writeFileSync(cli.path('taken'), 'precious')
    const { code, stdout } = await run(['ca', ...args], env)
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' })
    expect(readFileSync(cli.path('taken'), 'utf8')).toBe('precious')
    expect(readdirSync(cli.folder).sort()).toEqual(['home', 'taken'])
  })

  it('tells a wrong passphrase (5) from a damaged file (6)', async () => {
    await run(['ca', 'backup', 'pki.age'])
    const content = readFileSync(cli.path('pki.age'))
    writeFileSync(cli.path('cut.age'), content.subarray(0, -1))
    const wrong = await run(['ca', 'restore', 'pki.age', '--home', 'new'], { XMPPKI_BACKUP_PASSPHRASE: 'wrong' })
    const cut = await run(['ca', 'restore', 'cut.age', '--home', 'new'])
    expect([wrong.code, cut.code]).toEqual([5, 6])
    expect(existsSync(cli.path('new'))).toBe(false)
  })
})
