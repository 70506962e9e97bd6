import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa } from '../client/workspace-checks.ts'
import { accountsOf, logsIn } from './accounts-checks.ts'

describe('user add', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
  })
  afterAll(() => cli.remove())

  it('takes the password from standard input, and shows it nowhere', async () => {
    const result = await cli.run(['user', 'add', 'Alice', '--password-file', '-'], { stdin: 'pa"ss wört\n' })
    expect(result).toMatchObject({ code: 0, stdout: 'alice@localhost added\n' })
    expect(result.stderr).toMatch(/^note: "Alice" is the user alice@localhost/)
    expect(await logsIn(cli, 'alice@localhost', 'pa"ss wört')).toBe(true)
    expect(await logsIn(cli, 'alice@localhost', 'pa"ss wort')).toBe(false)
    expect(statSync(`${cli.home}/accounts.db`).mode & 0o777).toBe(0o600)
  })

  it('takes it from a file, and says when others can read that', async () => {
    writeFileSync(cli.path('password'), 'from a file\n', { mode: 0o644 })
    const result = await cli.run(['user', 'add', 'bob@localhost', '--password-file', 'password'])
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('password can be read by others') })
    expect(await logsIn(cli, 'bob@localhost', 'from a file')).toBe(true)
  })

  it('makes passwords up, shows them this once, and keeps their keys only', async () => {
    const { code, stdout } = await cli.run(['user', 'add', 'carol', 'dora', '--generate'])
    expect(code).toBe(0)
    const shown = [...stdout.matchAll(/^(\S+) added\n {2}password {2}([a-z2-9]{20}) \(shown this once\)$/gm)]
    expect(shown.map(([, jid]) => jid)).toEqual(['carol@localhost', 'dora@localhost'])
    for (const [, jid = '', password = ''] of shown) expect(await logsIn(cli, jid, password)).toBe(true)
    expect(readFileSync(`${cli.home}/accounts.db`).includes(shown[0]?.[2] ?? '')).toBe(false)
  })

  it('writes them to a file for its owner alone instead', async () => {
    const args = ['user', 'add', 'erin', 'alice', '--generate', '--passwords', 'passwords.csv', '--if-missing']
    const { code, stdout } = await cli.run(args)
    expect(code).toBe(0)
    expect(stdout).toBe(
      `erin@localhost added\nalice@localhost has an account already\npasswords: ${cli.path('passwords.csv')}\n`,
    )
    const [heading, row = '', end] = readFileSync(cli.path('passwords.csv'), 'utf8').split('\r\n')
    expect([heading, end]).toEqual(['jid,password', ''])
    const [jid = '', password = ''] = row.split(',')
    expect(await logsIn(cli, jid, password)).toBe(true)
    expect(statSync(cli.path('passwords.csv')).mode & 0o777).toBe(0o600)
    expect(await cli.run(args)).toMatchObject({ code: 3, stderr: expect.stringContaining('is already there') })
  })

  it('says what to do when that file cannot be written', async () => {
    const result = await cli.run(['user', 'add', 'heidi', '--generate', '--passwords', 'nowhere/passwords.csv'])
    expect(result).toMatchObject({ code: 7, stdout: '' })
    expect(result.stderr).toContain('the accounts are made; give each a password anew: xmppki user passwd NAME')
    expect((await accountsOf(cli)).map(({ jid }) => jid)).toContain('heidi@localhost')
  })

  it('makes accounts without a password', async () => {
    const { code, stdout } = await cli.run(['user', 'add', 'device', '--no-password', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ added: [{ jid: 'device@localhost', created: true }], failed: [] })
    expect((await accountsOf(cli)).find(({ jid }) => jid === 'device@localhost')?.keys).toEqual({})
  })

  it('leaves accounts that are there as they are, and does the others', async () => {
    const result = await cli.run(['user', 'add', 'alice', 'frank', '--generate', '--json'])
    expect(result.code).toBe(9)
    expect(JSON.parse(result.stdout)).toEqual({
      added: [{ jid: 'frank@localhost', created: true, password: expect.stringMatching(/^[a-z2-9]{20}$/) }],
      failed: [{ jid: 'alice@localhost', error: expect.objectContaining({ code: 'EXISTS', exitCode: 3 }) }],
    })
    expect(await logsIn(cli, 'alice@localhost', 'pa"ss wört')).toBe(true)
  })

  it('8 at once for one name make one account', async () => {
    const runs = Array.from({ length: 8 }, () => cli.run(['user', 'add', 'grace', '--generate']))
    expect((await Promise.all(runs)).map(({ code }) => code).sort()).toEqual([0, 3, 3, 3, 3, 3, 3, 3])
  })

  it.each([
    ['no password and no terminal', ['x'], '', 5, 'the password of x@localhost is needed'],
    ['a blank password', ['x', '--password-file', '-'], ' \n', 5, 'is blank'],
    [
      'a password that nobody can type',
      ['x', '--password-file', '-'],
      'a\u0007b\n',
      5,
      'characters that no password may have',
    ],
    ['one password for two', ['x', 'y', '--password-file', '-'], 'p\n', 2, 'there are several users'],
    ['a bad name', ['x', 'a b', '--generate'], '', 2, '1 of 2'],
    ['two ways', ['x', '--generate', '--no-password'], '', 2, 'no-password'],
    ['a list of nothing', ['x', '--passwords', 'p.csv'], '', 2, 'generate'],
    [
      'a name at another domain than --domain',
      ['x@a.example', '--domain', 'b.example', '--generate'],
      '',
      2,
      'is not at the domain',
    ],
  ])('refuses %s', async (_case, args, stdin, code, message) => {
    const before = await accountsOf(cli)
    const result = await cli.run(['user', 'add', ...args], { stdin })
    expect(result.stderr).toContain(message)
    expect(result.code).toBe(code)
    expect(await accountsOf(cli)).toEqual(before)
  })

  it('wants a workspace', async () => {
    const result = await cli.run(['user', 'add', 'x', '--generate', '--home', cli.path('nowhere')])
    expect(result).toMatchObject({ code: 4, stderr: expect.stringContaining('xmppki ca init') })
  })

  it('says that nobody can log in at a domain that is not served', async () => {
    const { code, stderr } = await cli.run(['user', 'add', 'zoe@elsewhere.example', '--no-password'])
    expect({ code, said: stderr.split('\n') }).toMatchObject({
      code: 0,
      said: expect.arrayContaining([expect.stringContaining('the domain elsewhere.example is not served here')]),
    })
  })
})
