import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const RSA_KEY = fileURLToPath(new URL('../../pki/fixtures/rsa-2048.pem', import.meta.url))

/** A folder of files made by openssl, and the program. */
class Walkthrough {
  readonly cli = new CliHome()

  openssl(...args: string[]): string {
    return execFileSync('openssl', args, { cwd: this.cli.folder, encoding: 'utf8', stdio: 'pipe' })
  }

  records() {
    const ledger = new SqliteLedger(join(this.cli.home, 'ledger.db'))
    const records = ledger.list()
    ledger.close()
    return records
  }

  /** The first two commands of the guide; the key is one that was made before. */
  makeRoot(): void {
    const name = ['-subj', '/C=AU/CN=Old Root']
    this.openssl('rsa', '-in', RSA_KEY, '-des3', '-traditional', '-passout', 'pass:old secret', '-out', 'rootCA.key')
    const signing = ['-key', 'rootCA.key', '-passin', 'pass:old secret', '-sha256', '-days', '1024']
    this.openssl('req', '-x509', '-new', '-nodes', ...signing, ...name, '-out', 'rootCA.crt')
  }

  /** The next three: `openssl x509 -req` makes certificates without extensions. */
  makeClient(name: string): { key: string; cert: string } {
    this.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`)
    this.openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`)
    const ca = ['-CA', 'rootCA.crt', '-CAkey', 'rootCA.key', '-passin', 'pass:old secret', '-CAcreateserial']
    this.openssl('x509', '-req', '-in', `${name}.csr`, ...ca, '-out', `${name}.crt`, '-days', '500', '-sha256')
    return this.credentials(name)
  }

  credentials(name: string) {
    return {
      key: readFileSync(this.cli.path(`${name}.key`), 'utf8'),
      cert: readFileSync(this.cli.path(`${name}.crt`), 'utf8'),
    }
  }
}

describe('ca import after the openssl walkthrough', () => {
  const guide = new Walkthrough()
  const { cli } = guide
  beforeAll(() => {
    guide.makeRoot()
    writeFileSync(cli.path('old'), 'old secret\n', { mode: 0o600 })
  })
  afterAll(() => cli.remove())

  it('refuses before it has the passphrase, and writes no CA', async () => {
    const missing = await cli.run(['ca', 'import', 'rootCA.crt', 'rootCA.key', '--json'])
    expect(JSON.parse(missing.stdout).error).toMatchObject({ code: 'PASSPHRASE', exitCode: 5 })
    const wrong = await cli.run(['ca', 'import', 'rootCA.crt', 'rootCA.key', '--no-passphrase', '--json'], {
      env: { XMPPKI_KEY_PASSPHRASE: 'wrong secret' },
    })
    expect(JSON.parse(wrong.stdout).error).toMatchObject({ code: 'PASSPHRASE', exitCode: 5 })
    expect(wrong.stdout + wrong.stderr).not.toContain('wrong secret')
    expect(existsSync(join(cli.home, 'ca'))).toBe(false)
  })

  it('takes over the root, says what it lacks, and encrypts the key anew', async () => {
    const result = await cli.run(['ca', 'import', 'rootCA.crt', 'rootCA.key', '--key-passphrase-file', 'old'], {
      env: { XMPPKI_CA_PASSPHRASE: 'new secret' },
    })
    const [certificate, key] = [join(cli.home, 'ca/root.crt'), join(cli.home, 'ca/root.key')]
    const end = new Date(guide.openssl('x509', '-in', 'rootCA.crt', '-noout', '-enddate').trim().slice(9))
    expect(result).toEqual({
      code: 0,
      signal: null,
      stderr: 'warning: the certificate works, but it has no keyUsage (RFC 5280 §4.2.1.3): strict programs refuse it\n',
      stdout: [
        'Imported the root CA CN=Old Root,C=AU',
        `  certificate  ${certificate}`,
        `  private key  ${key} (encrypted), rsa:2048`,
        `  valid until  ${end.toISOString().slice(0, 10)}`,
        '  domain       localhost',
        'Next: xmppki client issue alice',
        '',
      ].join('\n'),
    })
    const pem = readFileSync(key, 'utf8')
    expect(pem).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    expect(guide.openssl('asn1parse', '-in', key)).toMatch(/PBES2[\s\S]*:0927C0[\s\S]*hmacWithSHA256[\s\S]*aes-256-cbc/)
    expect(guide.openssl('pkey', '-in', key, '-passin', 'pass:new secret', '-pubout')).toBe(
      guide.openssl('pkey', '-in', RSA_KEY, '-pubout'),
    )
    expect(statSync(key).mode & 0o777).toBe(0o600)
    expect(guide.records()).toEqual([expect.objectContaining({ kind: 'root', name: 'Old Root' })])
  })

  it('never touches a CA that is there', async () => {
    const before = readFileSync(join(cli.home, 'ca/root.key'), 'utf8')
    const result = await cli.run(['ca', 'import', 'rootCA.crt', 'rootCA.key', '--no-passphrase', '--json'])
    expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'EXISTS', exitCode: 3 })
    expect(readFileSync(join(cli.home, 'ca/root.key'), 'utf8')).toBe(before)
  })

  it('goes on: clients of the guide and new ones log in at serve', async () => {
    const old = guide.makeClient('olga')
    const env = { XMPPKI_CA_PASSPHRASE: 'new secret' }
    const issued = await cli.run(['client', 'issue', 'alice', '--out', '.'], { env })
    expect(issued.code, issued.stderr).toBe(0)
    guide.openssl('verify', '-purpose', 'sslclient', '-CAfile', 'rootCA.crt', 'alice/alice.crt')
    const serve = new ServeProcess(['--home', cli.home], env)
    const { port } = await serve.listening()
    const alice = guide.credentials('alice/alice')
    for (const credentials of [old, alice]) {
      const client = await RawClient.online({ port, credentials })
      client.destroy()
    }
    expect(await serve.stop()).toBe(0)
  })
})

describe('ca import with the index of openssl ca', () => {
  const old = new Walkthrough()
  const { cli } = old
  const ca = (...args: string[]) =>
    old.openssl('ca', '-batch', '-config', 'ca.cnf', '-passin', 'pass:old secret', ...args)

  beforeAll(() => {
    old.makeRoot()
    mkdirSync(cli.path('newcerts'))
    writeFileSync(cli.path('index.txt'), '')
    writeFileSync(cli.path('serial'), '00f0\n')
    const policy = '[policy]\ncommonName = supplied\n[v3]\nbasicConstraints = CA:FALSE\n'
    writeFileSync(
      cli.path('ca.cnf'),
      `[ca]\ndefault_ca = old\n[old]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = newcerts\ncertificate = rootCA.crt\nprivate_key = rootCA.key\ndefault_md = sha256\ndefault_days = 300\nunique_subject = no\npolicy = policy\nx509_extensions = v3\n${policy}`,
    )
    for (const name of ['alice', 'bob', 'carol', 'dora', 'erik']) {
      old.makeClient(name)
      ca('-in', `${name}.csr`, '-out', `${name}.crt`)
    }
    ca('-revoke', 'bob.crt', '-crl_reason', 'keyCompromise')
    ca('-revoke', 'carol.crt')
    ca('-revoke', 'dora.crt', '-crl_compromise', '20260102030405Z')
  })
  afterAll(() => cli.remove())

  it.each([
    ['a line that is none', 'nonsense\n', 'line 1 of'],
    [
      'a serial number twice',
      'V\t300101000000Z\t\t01\tunknown\t/CN=a\nV\t300101000000Z\t\t0001\tunknown\t/CN=b\n',
      'line 2 of',
    ],
  ])('refuses an index with %s, and writes nothing', async (_case, text, message) => {
    writeFileSync(cli.path('bad.txt'), text)
    const env = { XMPPKI_KEY_PASSPHRASE: 'old secret' }
    const args = ['ca', 'import', 'rootCA.crt', 'rootCA.key', '--no-passphrase', '--openssl-index', 'bad.txt', '--json']
    const { error } = JSON.parse((await cli.run(args, { env })).stdout)
    expect(error).toMatchObject({ code: 'BAD_INPUT', exitCode: 2, message: expect.stringContaining(message) })
    expect(existsSync(join(cli.home, 'ca'))).toBe(false)
  })

  it('knows afterwards what was issued, and what was revoked when and why', async () => {
    writeFileSync(cli.path('old'), 'old secret', { mode: 0o600 })
    const args = ['--key-passphrase-file', 'old', '--no-passphrase', '--domain', 'localhost']
    const result = await cli.run([
      'ca',
      'import',
      'rootCA.crt',
      'rootCA.key',
      '--openssl-index',
      'index.txt',
      '--json',
      ...args,
    ])
    expect(result.code, result.stdout + result.stderr).toBe(0)
    expect(JSON.parse(result.stdout)).toMatchObject({
      keyType: 'rsa:2048',
      history: { certificates: 5, revoked: 3, withoutCertificate: 0 },
      findings: [expect.stringContaining('keyUsage')],
    })
    const clients = old.records().filter(({ kind }) => kind === 'client')
    const facts = clients.map(({ name, serial, revokedAt, revocationReason }) => [
      name,
      serial,
      revokedAt === undefined ? undefined : Date.now() - revokedAt < 60_000,
      revocationReason,
    ])
    expect(facts).toEqual([
      ['alice@localhost', 'f0', undefined, undefined],
      ['bob@localhost', 'f1', true, 'keyCompromise'],
      ['carol@localhost', 'f2', true, undefined],
      ['dora@localhost', 'f3', true, 'keyCompromise'],
      ['erik@localhost', 'f4', undefined, undefined],
    ])
    const printed = old.openssl('x509', '-in', 'erik.crt', '-noout', '-fingerprint', '-sha256')
    expect(printed.replaceAll(':', '').toLowerCase()).toContain(clients.at(-1)?.fingerprint)
  })

  it('lets those in who were not revoked, and only those', async () => {
    const serve = new ServeProcess(['--home', cli.home])
    const { port } = await serve.listening()
    const erik = await RawClient.online({ port, credentials: old.credentials('erik') })
    erik.destroy()
    const bob = await RawClient.secured({ port, credentials: old.credentials('bob') })
    bob.send(external())
    await bob.receive(/<failure[^>]*>/)
    bob.destroy()
    expect(await serve.stop()).toBe(0)
  })
})

describe('ca import of what was signed with SHA-1', () => {
  const old = new Walkthrough()
  const { cli } = old
  afterAll(() => cli.remove())

  it('says how many cannot log in, and what to do; the root may stay as it is', async () => {
    const root = ['-nodes', '-newkey', 'rsa:2048', '-keyout', 'ca.key', '-subj', '/CN=Old CA', '-out', 'ca.crt']
    old.openssl('req', '-x509', '-new', '-sha1', '-days', '3650', ...root)
    for (const [serial, name] of ['alice', 'bob'].entries()) {
      old.openssl(
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-subj',
        `/CN=${name}`,
        '-out',
        'c.csr',
      )
      const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', String(serial + 1), '-days', '3650', '-sha1']
      old.openssl('x509', '-req', '-in', 'c.csr', ...by, '-out', `${name}.crt`)
    }
    const args = ['ca', 'import', 'ca.crt', 'ca.key', '--issued', '.', '--no-passphrase', '--domain', 'example.org']
    const result = await cli.run(args)
    expect(result.code).toBe(0)
    expect(result.stderr).toContain(
      '2 certificates that it has issued cannot log in (weak-signature): signed with SHA-1; issue them again: xmppki client renew --all\n',
    )
    expect(await cli.run(['client', 'renew', '--all'])).toMatchObject({ code: 0 })
  })
})

describe('ca import refuses', () => {
  const cli = new CliHome()
  beforeAll(() => copyFileSync(RSA_KEY, cli.path('a.key')))
  afterAll(() => cli.remove())

  it.each([
    ['no files', [], 'USAGE', 2],
    ['a certificate without a key', ['a.crt'], 'USAGE', 2],
    ['files beside --easy-rsa', ['a.crt', 'a.key', '--easy-rsa', 'pki'], 'USAGE', 2],
    ['a certificate that is not there', ['nowhere.crt', 'a.key'], 'NOT_FOUND', 4],
    ['a key in place of the certificate', ['a.key', 'a.key'], 'BAD_INPUT', 2],
  ])('%s', async (_case, args, code, exitCode) => {
    const result = await cli.run(['ca', 'import', '--no-passphrase', '--json', ...args])
    expect(JSON.parse(result.stdout).error).toMatchObject({ code, exitCode })
    expect(result.code).toBe(exitCode)
    expect(existsSync(join(cli.home, 'ca'))).toBe(false)
  })
})
