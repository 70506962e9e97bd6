import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { CliHome } from '../../support/processes/cli.ts'

const EASY_RSA = '/usr/share/easy-rsa/easyrsa'

describe('ca import --easy-rsa', () => {
  const cli = new CliHome()
  const folder = cli.path('easy-rsa')

  function easyRsa(...args: string[]): void {
    const env = { PATH: process.env['PATH'], EASYRSA_BATCH: '1', EASYRSA_ALGO: 'ec' }
    const run = spawnSync(EASY_RSA, args, { cwd: folder, encoding: 'utf8', env, timeout: 100_000 })
    if (run.status !== 0) throw new Error(`easyrsa ${args.join(' ')}: ${run.stdout}${run.stderr}`)
  }

  beforeAll(() => {
    mkdirSync(folder)
    easyRsa('init-pki')
    easyRsa('--req-cn=Easy CA', '--passout=pass:old secret', '--passin=pass:old secret', 'build-ca')
    for (const name of ['alice', 'bob', 'carol', 'dora']) {
      easyRsa('--passin=pass:old secret', 'build-client-full', name, 'nopass')
    }
    easyRsa('--passin=pass:old secret', 'build-server-full', 'chat.example.org', 'nopass')
    easyRsa('--passin=pass:old secret', 'revoke', 'bob', 'keyCompromise')
    easyRsa('--passin=pass:old secret', 'revoke', 'carol')
  })
  afterAll(() => cli.remove())

  it('takes over the CA, and knows what was issued and revoked', async () => {
    const dora = readFileSync(join(folder, 'pki/issued/dora.crt'), 'utf8')
    const serial = /Serial Number:\s+([0-9a-f:]+)/.exec(dora)?.[1]?.replaceAll(':', '') ?? ''
    for (const lost of ['issued/dora.crt', `certs_by_serial/${serial.toUpperCase()}.pem`]) {
      renameSync(join(folder, 'pki', lost), cli.path('lost.crt'))
    }
    const args = ['--easy-rsa', 'easy-rsa/pki', '--domain', 'example.org', '--no-passphrase', '--json']
    const result = await cli.run(['ca', 'import', ...args], { env: { XMPPKI_KEY_PASSPHRASE: 'old secret' } })
    expect(result.code, result.stdout + result.stderr).toBe(0)
    expect(JSON.parse(result.stdout).history).toEqual({
      certificates: 5,
      revoked: 2,
      withoutCertificate: 1,
      refused: [],
    })
    const ledger = new SqliteLedger(join(cli.home, 'ledger.db'))
    const records = ledger.list().toSorted((a, b) => (a.name < b.name ? -1 : 1))
    ledger.close()
    expect(
      records.map(({ kind, name, revokedAt, revocationReason, fingerprint }) => [
        kind,
        name,
        revokedAt !== undefined,
        revocationReason,
        fingerprint.length,
      ]),
    ).toEqual([
      ['root', 'Easy CA', false, undefined, 64],
      ['client', 'alice@example.org', false, undefined, 64],
      ['client', 'bob@example.org', true, 'keyCompromise', 64],
      ['client', 'carol@example.org', true, undefined, 64],
      ['server', 'chat.example.org', false, undefined, 64],
      ['client', 'dora@example.org', false, undefined, 0],
    ])
    expect(records.find(({ name }) => name.startsWith('alice'))?.directory).toBe(join(folder, 'pki/issued'))
  })

  it('goes on issuing', async () => {
    const result = await cli.run(['client', 'issue', 'erik', '--json'])
    expect(result.code, result.stdout + result.stderr).toBe(0)
    const { certificate } = JSON.parse(result.stdout).issued[0].files
    const verify = ['verify', '-purpose', 'sslclient', '-CAfile', join(folder, 'pki/ca.crt'), certificate]
    expect(spawnSync('openssl', verify, { encoding: 'utf8' }).stdout).toContain('OK')
  })
})
