import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deriveKeys } from '../../../src/xmpp/sasl/scram-credentials.ts'
import type { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa } from '../client/workspace-checks.ts'
import { accountsOf, logsIn } from './accounts-checks.ts'

const BINARY = fileURLToPath(new URL('../../../bin/xmppki.cjs', import.meta.url))

const errorsIn = (stderr: string) => stderr.split('\n').filter((line) => line.startsWith('error:'))

describe('user import', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
  })
  afterAll(() => cli.remove())

  const rows = [
    'jid,password',
    'alice,one',
    'bob@b.example,two',
    'a@@b,hunter2',
    'carol,hunter\u0007',
    'ALICE,hunter2',
    'dora,',
  ]
  const failures = [
    'error: users.csv:4: "a@@b" cannot be used: the domainpart contains @',
    'error: users.csv:5: the password is blank, too long, or has characters that no password may have',
    'error: users.csv:6: alice@localhost stands at users.csv:2 already',
    'error: users.csv:7: there is neither a password nor keys',
    'error: 4 of 6 accounts failed',
  ]

  it('says first what it would do', async () => {
    writeFileSync(cli.path('users.csv'), rows.join('\r\n'))
    const { code, stdout, stderr } = await cli.run(['user', 'import', 'users.csv', '--dry-run'])
    expect(stdout).toBe('6 accounts: 2 created, 4 failed, nothing was written\n')
    expect(errorsIn(stderr)).toEqual(failures)
    expect(code).toBe(9)
    expect(await accountsOf(cli)).toEqual([])
  })

  it('does what can be done, names file and line of the rest, and no password', async () => {
    const { code, stdout, stderr } = await cli.run(['user', 'import', 'users.csv'])
    expect(stdout).toMatch(/^6 accounts: 2 created, 4 failed, in \d+(\.\d)? s\n$/)
    expect(errorsIn(stderr)).toEqual(failures)
    expect(stderr).toContain('warning: the domain b.example is not served here')
    expect(stdout + stderr).not.toContain('hunter')
    expect(code).toBe(9)
    expect(await logsIn(cli, 'alice@localhost', 'one')).toBe(true)
    expect(await logsIn(cli, 'bob@b.example', 'two')).toBe(true)
    expect(await accountsOf(cli)).toHaveLength(2)
  })

  it('follows the configuration, and says who cannot log in with it', async () => {
    const toml =
      '[auth]\nmethods = ["pki", "rdbms"]\nmax_users_per_domain = 3\n[auth.password]\nhash = ["sha256"]\nscram_iterations = 5000\n'
    writeFileSync(cli.path('strict.toml'), toml)
    const { 'sha-1': keys } = await deriveKeys('old', { hashes: ['sha-1'], iterations: 4096 })
    const old = { stored_key: keys?.storedKey, server_key: keys?.serverKey, salt: keys?.salt, iterations: 4096 }
    const rows = [
      { jid: 'x@c.example', password: 'new' },
      { jid: 'y@c.example', ...old },
      { jid: 'z@c.example', password: 'new' },
      { jid: 'full@c.example', password: 'new' },
    ]
    const stdin = rows.map((row) => JSON.stringify(row)).join('\n')
    const result = await cli.run(['user', 'import', '-', '--config', 'strict.toml'], { stdin })
    expect(result).toMatchObject({ code: 9, stdout: expect.stringMatching(/^4 accounts: 3 created, 1 failed/) })
    expect(result.stderr.split('\n')).toEqual([
      'warning: the domain c.example is not served here: nobody can log in there; see general.hosts',
      'warning: 1 account has no keys for sha-256: clients that choose SCRAM with it are refused; until all have new passwords, write sasl_mechanisms = ["external", "scram_sha1_plus", "scram_sha1"] in [auth] and hash = ["sha-1", "sha-256"] in [auth.password]',
      'error: standard input:4: no account full@c.example: its domain has as many as it may have',
      'hint:  raise auth.max_users_per_domain in xmppki.toml',
      'error: 1 of 4 accounts failed',
      '',
    ])
    const { accounts } = JSON.parse((await cli.run(['user', 'list', '--json', '--domain', 'c.example'])).stdout)
    expect(accounts.map(({ hashes }: { hashes: unknown }) => hashes)).toEqual([
      [{ hash: 'sha-256', iterations: 5000 }],
      [{ hash: 'sha-1', iterations: 4096 }],
      [{ hash: 'sha-256', iterations: 5000 }],
    ])
    const one = await cli.run(['user', 'add', 'one@c.example', '--generate', '--config', 'strict.toml'])
    expect(one).toMatchObject({ code: 3, stderr: expect.stringContaining('as many as it may have') })
  })

  it('refuses what is there, accepts it, or replaces it', async () => {
    const stdin = '{"jid":"alice","password":"three"}\n{"jid":"erin","password":"four"}\n'
    const refused = await cli.run(['user', 'import', '-', '--json'], { stdin: stdin.split('\n', 1)[0] ?? '' })
    expect(refused.code).toBe(3)
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: 'EXISTS',
      message: 'standard input:1: there is an account alice@localhost already',
    })
    const kept = await cli.run(['user', 'import', '-', '--if-missing', '--json'], { stdin })
    expect(kept.code).toBe(0)
    expect(JSON.parse(kept.stdout)).toEqual({ created: 1, replaced: 0, kept: 1, dryRun: false, failed: [] })
    expect(await logsIn(cli, 'alice@localhost', 'one')).toBe(true)
    const replaced = await cli.run(['user', 'import', '-', '--replace'], { stdin })
    expect(replaced.stdout).toMatch(/^2 accounts: 0 created, 2 replaced, in/)
    expect(await logsIn(cli, 'alice@localhost', 'three')).toBe(true)
  })

  it('takes a folder of Prosody: the whole, one host, its accounts', async () => {
    const account = (password: string) => `return { ["password"] = "${password}"; };\n`
    const folder = cli.path('prosody', 'example%2eorg', 'accounts')
    mkdirSync(folder, { recursive: true })
    mkdirSync(cli.path('prosody', 'example%2eorg', 'roster'))
    mkdirSync(cli.path('prosody', 'upload%2eexample%2eorg', 'uploads'), { recursive: true })
    writeFileSync(join(folder, 'ro%2emeo.dat'), account('p'))
    writeFileSync(join(folder, 'a%40b.dat'), account('hunter2'))
    writeFileSync(join(folder, 'evil.dat'), 'os.execute("touch executed")')
    writeFileSync(join(folder, 'huge.dat'), 'x'.repeat(70_000))
    writeFileSync(join(folder, 'notes.txt'), 'no account')
    for (const [index, path] of ['prosody', 'prosody/example%2eorg', 'prosody/example%2eorg/accounts/'].entries()) {
      const { code, stdout, stderr } = await cli.run(['user', 'import', path, '--if-missing'])
      expect(stdout).toMatch(
        index === 0 ? /^4 accounts: 1 created, 3 failed/ : /^4 accounts: 0 created, 1 already there/,
      )
      expect(code).toBe(9)
      expect(errorsIn(stderr)).toEqual([
        expect.stringMatching(/a%40b\.dat: a@b is not at the domain example\.org of the same row$/),
        expect.stringMatching(/evil\.dat:1:1: expected "return" and a table$/),
        expect.stringContaining('huge.dat: '),
        'error: 3 of 4 accounts failed',
      ])
    }
    expect(await logsIn(cli, 'ro.meo@example.org', 'p')).toBe(true)
  })

  it.each([
    ['a file that is not there', ['nowhere'], 4, 'cannot read nowhere'],
    ['an empty one', ['-'], 2, 'standard input is empty'],
    ['a folder without accounts', ['.', '--format', 'prosody'], 2, 'there are no accounts of Prosody in .'],
    ['a folder in another format', ['.', '--format', 'csv'], 2, '. is a folder'],
    ['a file as Prosody', ['users.csv', '--format', 'prosody'], 2, 'users.csv is not a folder'],
    ['another format than it has', ['users.csv', '--format', 'mnesia'], 2, 'users.csv:1:'],
    ['contradictory wishes', ['users.csv', '--replace', '--if-missing'], 2, 'if-missing'],
  ])('refuses %s', async (_case, args, code, message) => {
    const result = await cli.run(['user', 'import', ...args])
    expect(result.stderr).toContain(message)
    expect(result.code).toBe(code)
  })
})

describe('user import that does not come to its end', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
  })
  afterAll(() => cli.remove())

  it('Ctrl-C: no account, and the end by the signal', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `{"jid":"slow${index}","password":"${index}"}`)
    writeFileSync(cli.path('slow.jsonl'), rows.join('\n'))
    const before = (await accountsOf(cli)).length
    const child = spawn(
      process.execPath,
      [BINARY, 'user', 'import', cli.path('slow.jsonl'), '--home', cli.home, '--domain', 'b.example'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    let stderr = ''
    // It warns about the domain before it derives keys, which takes a minute for so many.
    for await (const text of child.stderr.setEncoding('utf8')) {
      stderr += text
      if (stderr.includes('is not served here') && !child.killed) child.kill('SIGINT')
    }
    expect(stderr).toContain('interrupted: no account was imported')
    if (child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGINT')
    expect(await accountsOf(cli)).toHaveLength(before)
  })
})

it('a million iterations are taken over as they are', async () => {
  const cli = await homeWithCa()
  const { 'sha-256': keys } = await deriveKeys('secret', { hashes: ['sha-256'], iterations: 1_000_000 })
  const row = `alice,${keys?.storedKey},${keys?.serverKey},${keys?.salt},${keys?.iterations}`
  const stdin = `jid,stored_key,server_key,salt,iterations\n${row}\n`
  expect(await cli.run(['user', 'import', '-'], { stdin })).toMatchObject({ code: 0 })
  expect((await accountsOf(cli)).map((account) => account.keys)).toEqual([{ 'sha-256': keys }])
  cli.remove()
})
