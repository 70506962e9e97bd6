import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../support/processes/cli.ts'
import { CaFolder, openssl } from '../../workspace/support.ts'

let ca: CaFolder
beforeAll(async () => {
  ca = await new CaFolder().init()
  await ca.issue('alice')
})
afterAll(() => ca.remove())

const run = (args: string[], stdin = '') =>
  runCli(['client', 'export', ...args], { env: { XMPPKI_HOME: ca.home }, cwd: ca.folder, stdin, umask: '000' })

describe('client export', () => {
  it('writes a bundle with a generated password, shown once, for nobody else to read', async () => {
    const { code, stdout, stderr } = await run(['alice', '--out', 'alice.p12'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const file = ca.path('alice.p12')
    const password = readFileSync(`${file}.password`, 'utf8').trim()
    expect(stdout).toContain(`  password     ${password} (also in ${file}.password)\n`)
    expect([statSync(file).mode & 0o777, statSync(`${file}.password`).mode & 0o777]).toEqual([0o600, 0o600])
    openssl('pkcs12', '-in', file, '-passin', `pass:${password}`, '-noout')
  })

  it('takes the password from standard input, tells no secret, and encrypts for old systems', async () => {
    const args = ['alice', '--p12-compat', '--p12-password-file', '-', '--out', 'old.p12', '--json']
    const { code, stdout, stderr } = await run(args, 'open sesame\n')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ jid: 'alice@localhost', format: 'p12', file: ca.path('old.p12') })
    expect(stdout + stderr).not.toContain('sesame')
    openssl('pkcs12', '-in', ca.path('old.p12'), '-passin', 'pass:open sesame', '-noout', '-legacy')
  })

  it('never overwrites', async () => {
    writeFileSync(ca.path('there.pem'), 'precious')
    const { code, stderr } = await run(['alice', '--format', 'pem', '--out', 'there.pem'])
    expect({ code, text: readFileSync(ca.path('there.pem'), 'utf8') }).toEqual({ code: 3, text: 'precious' })
    expect(stderr).toBe(
      `error: ${ca.path('there.pem')} is already there\nhint:  nothing was written; give another --out\n`,
    )
  })

  it.each([
    ['no --out', ['alice'], 2],
    ['an unknown format', ['alice', '--format', 'jks', '--out', 'x'], 2],
    ['a pipe', ['alice', '--out', '-'], 2],
    ['an unknown user', ['bob', '--out', 'x'], 4],
  ])('refuses %s', async (_case, args, exitCode) => expect((await run(args)).code).toBe(exitCode))
})
