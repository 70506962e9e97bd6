import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { CliHome } from '../../support/processes/cli.ts'

const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })

let cli: CliHome
beforeEach(() => {
  cli = new CliHome()
})
afterEach(() => cli.remove())

const certificate = () => join(cli.home, 'ca/root.crt')
const key = () => join(cli.home, 'ca/root.key')
const end = () => new Date(openssl('x509', '-in', certificate(), '-noout', '-enddate').replace('notAfter=', ''))

describe('ca init', () => {
  it('says what is next for the workspace that was typed, not for another one', async () => {
    const elsewhere = cli.path('elsewhere')
    const made = await cli.run(['ca', 'init', '--no-passphrase', `--home=${elsewhere}`])
    expect(made.stdout).toContain(`Next: xmppki client issue alice --home '${elsewhere}'\n`)
    const { stderr } = await cli.run(['client', 'show', 'alice', '--home', elsewhere])
    expect(stderr).toContain(`hint:  see who has with: xmppki client list (with --home '${elsewhere}')\n`)
  })

  it('makes an encrypted key, a certificate and a ledger, and shows them', async () => {
    const result = await cli.run(['ca', 'init'], { env: { XMPPKI_CA_PASSPHRASE: 'open sesame' } })
    expect(result).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: [
        'Made the root CA CN=xmppki root CA',
        `  certificate  ${certificate()}`,
        `  private key  ${key()} (encrypted)`,
        `  valid until  ${end().toISOString().slice(0, 10)}`,
        '  domain       localhost',
        'Next: xmppki client issue alice',
        '',
      ].join('\n'),
    })
    expect(Math.round((end().getTime() - Date.now()) / 86_400_000)).toBe(3650)
    expect(readFileSync(key(), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    expect(statSync(key()).mode & 0o777).toBe(0o600)
    openssl('pkey', '-in', key(), '-passin', 'pass:open sesame', '-noout')
    openssl('verify', '-x509_strict', '-CAfile', certificate(), certificate())
    const ledger = new SqliteLedger(join(cli.home, 'ledger.db'))
    expect(ledger.list()).toEqual([expect.objectContaining({ kind: 'root', name: 'xmppki root CA' })])
    ledger.close()
  })

  it('says aloud that a key is not encrypted', async () => {
    const result = await cli.run(['ca', 'init', '--no-passphrase', '--cn', 'My CA', '--org', 'Quo"te, Ltd'])
    expect(result.code).toBe(0)
    expect(result.stdout).toContain(`${key()} (NOT encrypted)`)
    expect(result.stderr).toBe('warning: whoever can read the private key can log in as any user; keep it safe\n')
    const subject = openssl('x509', '-in', certificate(), '-noout', '-subject', '-nameopt', 'multiline')
    expect(subject).toMatch(/organizationName\s+= Quo"te, Ltd\n\s+commonName\s+= My CA/)
  })

  it('does not touch a CA that is there', async () => {
    await cli.run(['ca', 'init', '--no-passphrase'])
    const before = [readFileSync(key()), readFileSync(certificate())]
    const again = await cli.run(['ca', 'init', '--no-passphrase'])
    expect(again).toMatchObject({ code: 3, stdout: '' })
    expect(again.stderr).toBe(
      `error: there is already a CA in ${cli.home}\n` +
        'hint:  nothing was changed; --if-missing accepts the CA that is there, --home makes another one elsewhere\n',
    )
    const accepted = await cli.run(['ca', 'init', '--if-missing', '--json'])
    expect(accepted).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(accepted.stdout)).toMatchObject({
      created: false,
      files: { key: key(), certificate: certificate() },
    })
    expect([readFileSync(key()), readFileSync(certificate())]).toEqual(before)
  })

  it('limits the CA to its permitted domains, the only one of which becomes the domain (RFC 5280 §4.2.1.10)', async () => {
    const result = await cli.run(['ca', 'init', '--no-passphrase', '--permit-domain', 'Example.ORG', '--json'])
    expect(JSON.parse(result.stdout)).toMatchObject({ created: true, domain: 'example.org' })
    expect(openssl('x509', '-in', certificate(), '-noout', '-text')).toMatch(
      /Name Constraints: critical[\s\S]*DNS:example.org/,
    )
  })

  it.each(['ec:p384', 'ed25519', 'rsa:2048'])('makes a key of the type %s', async (type) => {
    const result = await cli.run(['ca', 'init', '--no-passphrase', '--key-type', type, '--days', '30'])
    expect(result.code).toBe(0)
    const text = openssl('x509', '-in', certificate(), '-noout', '-text')
    expect(text).toMatch(
      { 'ec:p384': /ecdsa-with-SHA384/, ed25519: /ED25519/, 'rsa:2048': /\(2048 bit\)/ }[type] ?? /never/,
    )
  })

  it.each([
    ['no passphrase and no terminal', [], {}, 5, 'PASSPHRASE', /passphrase-file.*XMPPKI_CA_PASSPHRASE.*terminal/],
    ['a blank passphrase', [], { env: { XMPPKI_CA_PASSPHRASE: ' ' } }, 5, 'PASSPHRASE', undefined],
    ['both passphrase flags', ['--no-passphrase', '--passphrase-file', 'x'], {}, 2, 'USAGE', undefined],
    ['a name that is too long', ['--no-passphrase', '--cn', 'x'.repeat(65)], {}, 2, 'BAD_NAME', undefined],
    ['no domain', ['--no-passphrase', '--domain', 'a..b'], {}, 2, 'BAD_NAME', undefined],
  ])('refuses %s and writes no CA', async (_case, args, options, code, name, hint) => {
    const result = await cli.run(['ca', 'init', '--json', ...args], options)
    expect(result.code).toBe(code)
    const { error } = JSON.parse(result.stdout)
    expect(error.code).toBe(name)
    if (hint !== undefined) expect(error.hint).toMatch(hint)
    expect(existsSync(join(cli.home, 'ca'))).toBe(false)
  })
})
