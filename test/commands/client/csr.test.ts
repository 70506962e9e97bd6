import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'
import { openssl } from './workspace-checks.ts'

let cli: CliHome
beforeEach(() => {
  cli = new CliHome()
})
afterEach(() => cli.remove())

describe('client csr', () => {
  it('makes key and request in the current folder, needs no workspace and makes none', async () => {
    const result = await cli.run(['client', 'csr', 'alice@example.org'], { umask: '000' })
    const [key, csr] = [cli.path('alice.key'), cli.path('alice.csr')]
    expect(result).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: [
        'alice@example.org',
        `  private key  ${key} (not encrypted)`,
        `  request      ${csr}`,
        `Next, where the CA is: xmppki client sign '${csr}' --name 'alice@example.org'`,
        '',
      ].join('\n'),
    })
    expect([key, csr].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o644])
    const text = openssl('req', '-in', csr, '-verify', '-noout', '-text')
    expect(text).toMatch(/Subject: CN = alice\n/)
    expect(text).toContain('XmppAddr::alice@example.org')
    expect(openssl('pkey', '-in', key, '-pubout')).toBe(openssl('req', '-in', csr, '-noout', '-pubkey'))
    expect(existsSync(cli.home)).toBe(false)
  })

  it('encrypts the key, in a folder that it makes', async () => {
    writeFileSync(cli.path('secret'), 'open sesame\n', { mode: 0o600 })
    const flags = [
      '--domain',
      'example.org',
      '--out',
      'a/b',
      '--key-passphrase-file',
      'secret',
      '--key-type',
      'ec:p384',
    ]
    const result = await cli.run(['client', 'csr', 'bob', '--json', ...flags])
    expect(JSON.parse(result.stdout)).toEqual({
      jid: 'bob@example.org',
      files: { key: cli.path('a/b/bob.key'), csr: cli.path('a/b/bob.csr') },
    })
    expect(readFileSync(cli.path('a/b/bob.key'), 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
    expect(openssl('pkey', '-in', cli.path('a/b/bob.key'), '-passin', 'pass:open sesame', '-noout', '-text')).toContain(
      'P-384',
    )
    expect(statSync(cli.path('a/b')).mode & 0o777).toBe(0o700)
  })

  it.each(['alice.key', 'alice.csr'])('never overwrites, and writes nothing beside an existing %s', async (name) => {
    writeFileSync(cli.path(name), 'mine')
    const result = await cli.run(['client', 'csr', 'alice@example.org', '--json'])
    expect(result.code).toBe(3)
    expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'EXISTS', exitCode: 3 })
    expect(readFileSync(cli.path(name), 'utf8')).toBe('mine')
    expect(['alice.key', 'alice.csr'].filter((file) => existsSync(cli.path(file)))).toEqual([name])
  })

  it.each([
    ['a username without a domain', ['alice'], 'USAGE', 2],
    ['a full JID', ['alice@example.org/phone'], 'BAD_NAME', 2],
    ['a domain that contradicts --domain', ['alice@a.example', '--domain', 'b.example'], 'USAGE', 2],
    ['a passphrase file that is not there', ['a@example.org', '--key-passphrase-file', 'nowhere'], 'NOT_FOUND', 4],
  ])('refuses %s and writes nothing', async (_case, args, code, exitCode) => {
    const result = await cli.run(['client', 'csr', '--json', ...args])
    expect(JSON.parse(result.stdout).error).toMatchObject({ code, exitCode })
    expect(result.code).toBe(exitCode)
    expect(existsSync(cli.path('alice.key')) || existsSync(cli.path('a.key'))).toBe(false)
  })
})
