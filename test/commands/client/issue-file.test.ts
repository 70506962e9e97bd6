import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { expectConsistent, homeWithCa, ledgerOf, openssl } from './workspace-checks.ts'

describe('client issue --file', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa()
    const rows = ['name,device,days', 'alice,,', 'bob,phone,30', 'a@@b,,', 'carol,,99999', 'ALICE,,', 'dora,,9999']
    writeFileSync(cli.path('users.csv'), rows.join('\r\n'))
  })
  afterAll(() => cli.remove())

  it('does what can be done, names file and line of the rest, collects the passwords', async () => {
    const result = await cli.run(['client', 'issue', '--file', 'users.csv', '--passwords', 'passwords.csv'])
    expect(result.code, result.stderr).toBe(9)
    expect(result.stdout).toMatch(/^6 users: 2 issued, 4 failed, in \d+(\.\d)? s\npasswords: .*passwords\.csv\n$/)
    const errors = result.stderr.split('\n').filter((line) => line.startsWith('error:'))
    expect(errors).toEqual([
      expect.stringContaining('error: users.csv:4: "a@@b" cannot be used'),
      expect.stringContaining('error: users.csv:5: days must be a whole number'),
      expect.stringContaining('error: users.csv:6: the user alice@localhost is on line 2 already'),
      expect.stringContaining('error: users.csv:7: 9999 days from now is after the CA certificate ends'),
      'error: 4 of 6 users failed',
    ])
    const end = openssl('x509', '-in', join(cli.home, 'clients/localhost/bob@phone/bob.crt'), '-noout', '-enddate')
    const days = (new Date(end.replace('notAfter=', '')).getTime() - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(30)
    const [heading, ...passwords] = readFileSync(cli.path('passwords.csv'), 'utf8').trim().split('\r\n')
    expect(heading).toBe('jid,device,bundle,password')
    expect(passwords).toHaveLength(2)
    expect(result.stdout + result.stderr).not.toContain(passwords[0]?.split(',')[3])
  })

  it('accepts at the second time what is there, and says so in JSON', async () => {
    const result = await cli.run(['client', 'issue', '--json', '--file', '-'], {
      stdin: '{"name":"alice"}\n{"name":"erin","device":"x"}\n{"nam":"f"}\n',
    })
    expect(result).toMatchObject({ code: 9, stderr: '' })
    const { issued, failed } = JSON.parse(result.stdout)
    expect(issued).toMatchObject([
      { jid: 'alice@localhost', created: false },
      { jid: 'erin@localhost', device: 'x', created: true },
    ])
    expect(failed).toEqual([
      { jid: '', line: 3, error: expect.objectContaining({ message: 'standard input:3: unknown key "nam"' }) },
    ])
  })

  it('ends with the code of the failure when all fail', async () => {
    const result = await cli.run(['client', 'issue', '--file', '-'], { stdin: 'a@@b\nc@@d\n' })
    expect(result.code).toBe(2)
    expect(result.stdout).toMatch(/^2 users: 0 issued, 2 failed/)
  })

  it.each([
    ['names beside it', ['alice', '--file', 'users.csv'], 2, 'names and --file cannot be given together'],
    ['a file that is not there', ['--file', 'nowhere'], 4, 'cannot read nowhere, given by --file'],
    ['a list of passwords that is there', ['--file', 'users.csv', '--passwords', 'users.csv'], 3, 'already there'],
    ['two things on standard input', ['--file', '-', '--passphrase-file', '-'], 2, 'cannot both read standard input'],
    ['a list without a name', ['--file', 'empty'], 2, 'empty is empty'],
  ])('refuses %s', async (_case, args, code, message) => {
    writeFileSync(cli.path('empty'), '\n')
    const before = ledgerOf(cli).length
    const result = await cli.run(['client', 'issue', ...args])
    expect(result.code).toBe(code)
    expect(result.stderr).toContain(message)
    expect(ledgerOf(cli)).toHaveLength(before)
  })
})

describe('client issue --file that does not come to its end', () => {
  it('Ctrl-C: finishes what it has in hand, says how far it is, ends by the signal', async () => {
    const cli = await homeWithCa()
    // More than can be done before it hears of the signal.
    const many = Array.from({ length: 5_000 }, (_, index) => `many${index}`)
    writeFileSync(cli.path('users'), many.join('\n'))
    const binary = fileURLToPath(new URL('../../../bin/xmppki.cjs', import.meta.url))
    const args = [binary, 'client', 'issue', '--file', cli.path('users'), '--home', cli.home]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const clients = join(cli.home, 'clients', 'localhost')
    while (!existsSync(clients) || readdirSync(clients).every((name) => name.startsWith('.'))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    child.kill('SIGINT')
    const [, signal] = await once(child, 'close')
    expect(signal).toBe('SIGINT')
    const done = /interrupted: ([\d,]+) of 5,000 users have their certificates; the same command goes on/.exec(
      stderr,
    )?.[1]
    expect(expectConsistent(cli)).toHaveLength(Number(done?.replaceAll(',', '')))
    cli.remove()
  })
})
