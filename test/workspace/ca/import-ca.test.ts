import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { signerId } from '../../../src/workspace/base/authority.ts'
import { openWorkspace } from '../../../src/workspace/base/workspace.ts'
import { importCa } from '../../../src/workspace/ca/import-ca.ts'
import { opensslHistory } from '../../../src/workspace/ca/import-ledger.ts'
import { testClient, testKeys, testRoot } from '../../pki/support.ts'

let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-import-'))
  await writeCa()
  write('index.txt', 'R\t300101000000Z\t260401000000Z,superseded\tABCD\tunknown\t/CN=bob\n')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const path = (name: string) => join(folder, name)
const write = (name: string, text: string) => writeFileSync(path(name), text)
async function writeCa() {
  const keys = await testKeys('ec:p256')
  const root = await testRoot({ keys })
  write('ca.crt', root.certificate.pem)
  write('ca.key', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  return root
}

const open = () => openWorkspace(path('home'), { create: true })

function request(overrides: Partial<Parameters<typeof importCa>[1]> = {}) {
  return {
    certificate: path('ca.crt'),
    key: path('ca.key'),
    history: opensslHistory(path('index.txt')),
    domain: 'example.org',
    oldPassphrase: () => Promise.reject(new Error('nobody should ask')),
    passphrase: async () => undefined,
    now: new Date('2026-06-01T00:00:00Z'),
    ...overrides,
  }
}

describe('importCa', () => {
  it('keeps a revocation of which only the index is left', async () => {
    const workspace = open()
    const { history } = await importCa(workspace, request())
    expect(history).toEqual({ certificates: 1, revoked: 1, withoutCertificate: 1, refused: [] })
    expect(workspace.ledger().listBySerial('abcd')[0]).toMatchObject({
      kind: 'client',
      name: 'bob@example.org',
      fingerprint: '',
      revokedAt: Date.UTC(2026, 3, 1),
      revocationReason: 'superseded',
    })
    workspace.close()
  })

  it('finds a certificate that the index names by its file', async () => {
    const root = await writeCa()
    const client = await testClient(root, 'carol@example.org')
    write('renamed.txt', client.pem)
    write('index.txt', `V\t270714120000Z\t\t${client.serial.toUpperCase()}\trenamed.txt\t/CN=carol\n`)
    const workspace = open()
    expect((await importCa(workspace, request())).history).toMatchObject({ withoutCertificate: 0 })
    expect(workspace.ledger().listBySerial(client.serial)[0]).toMatchObject({ fingerprint: client.fingerprint })
    workspace.close()
  })

  it('refuses the index of another CA, and writes nothing', async () => {
    const client = await testClient(await testRoot(), 'carol@example.org')
    write(`${client.serial}.pem`, client.pem)
    write('index.txt', `V\t270714120000Z\t\t${client.serial}\tunknown\t/CN=carol\n`)
    const workspace = open()
    await expect(importCa(workspace, request())).rejects.toThrow(/was not signed by this CA/)
    expect(workspace.hasCa).toBe(false)
    workspace.close()
  })

  it('brings the history back after a crash between the files and the rows', async () => {
    const workspace = open()
    await importCa(workspace, request())
    const rows = workspace.ledger().list()
    workspace.close()
    const root = rows.find(({ kind }) => kind === 'root')
    const history = rows.filter((row) => row !== root)
    // What a process leaves that was killed after the rename and before the commit.
    for (const suffix of ['', '-wal', '-shm']) rmSync(path(`home/ledger.db${suffix}`), { force: true })
    const journal = { record: root, history, certificateFile: 'root.crt', staging: path('home/.xmppki-gone') }
    write('home/tmp/.xmppki-gone.json', JSON.stringify(journal))
    // It was opened, and so is not empty.
    new SqliteLedger(path('home/ledger.db')).close()
    const again = open()
    await expect(importCa(again, request())).rejects.toThrow(XmppkiError)
    const { install } = await import('../../../src/workspace/base/install.ts')
    const record = { ...(root ?? expect.fail()), serial: 'ff', directory: path('home/elsewhere') }
    install(again.ledger(), again.paths.temporary, { record, files: [], certificateFile: 'x' }, () => false)
    expect(again.ledger().list()).toEqual(rows)
    again.close()
  })

  it.each([
    ['1001', 0x1001],
    ['01', 1],
    ['02', 2],
  ])('continues the numbers of CRLs at crlnumber %s (RFC 5280 §5.2.3)', async (text, expected) => {
    write('crlnumber', `${text}\n`)
    const workspace = open()
    await importCa(workspace, request())
    const root = signerId(workspace.root())
    expect(workspace.ledger().transaction((_insert, changes) => changes.nextCrlNumber(root, 0))).toBe(expected)
    workspace.close()
  })

  it('refuses a crlnumber that is none', async () => {
    write('crlnumber', 'soon')
    const workspace = open()
    await expect(importCa(workspace, request())).rejects.toThrow(/crlnumber does not hold the number of a CRL/)
    expect(workspace.hasCa).toBe(false)
    workspace.close()
  })

  it('changes none of the files that it reads', async () => {
    const names = ['ca.crt', 'ca.key', 'index.txt']
    const before = names.map((name) => readFileSync(path(name), 'utf8'))
    const workspace = open()
    await importCa(workspace, request({ passphrase: async () => 'new secret' }))
    workspace.close()
    expect(names.map((name) => readFileSync(path(name), 'utf8'))).toEqual(before)
  })
})

describe('a CA that is limited to a domain', () => {
  beforeEach(async () => {
    const keys = await testKeys('ec:p256')
    const root = await testRoot({ keys, permitDomains: ['corp.example'] })
    write('ca.crt', root.certificate.pem)
    write('ca.key', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    write('index.txt', '')
  })

  it('gets a workspace for that', async () => {
    const workspace = open()
    expect((await importCa(workspace, { ...request(), domain: undefined })).domain).toBe('corp.example')
    workspace.close()
  })

  it('gets none for another, in which it could issue nothing', async () => {
    const workspace = open()
    await expect(importCa(workspace, request())).rejects.toMatchObject({
      code: 'BAD_NAME',
      hint: expect.stringContaining('--domain corp.example'),
    })
    expect(workspace.hasCa).toBe(false)
    workspace.close()
  })
})

describe('the CA of easy-rsa 2', () => {
  function openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  }

  function makeRoot(...key: string[]): void {
    const extensions = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-days', '3650']
    const own = ['-nodes', '-keyout', 'ca.key', '-subj', '/CN=Easy-RSA CA', '-out', 'ca.crt']
    openssl('req', '-x509', '-new', '-sha1', ...key, ...own, ...extensions)
  }

  function issue(serial: string, options: { hash: string; days?: string; key?: string[] }): void {
    const { hash, days = '3650', key = ['-newkey', 'rsa:2048'] } = options
    openssl('req', '-new', ...key, '-nodes', '-keyout', `${serial}.key`, '-subj', `/CN=u${serial}`, '-out', 'one.csr')
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', `0x${serial}`, '-days', days, hash]
    openssl('x509', '-req', '-in', 'one.csr', ...by, '-out', `${serial}.pem`)
  }

  const good = (serial: string) => `V\t350101000000Z\t\t${serial}\tunknown\t/CN=u${serial}\n`

  it('is taken over, and what nobody logs in with any more is counted by reasons', async () => {
    makeRoot('-newkey', 'rsa:2048')
    issue('01', { hash: '-sha1' })
    issue('02', { hash: '-sha1' })
    issue('03', { hash: '-md5' })
    issue('04', { hash: '-sha256' })
    issue('05', { hash: '-sha256', key: ['-newkey', 'rsa:1024'] })
    issue('06', { hash: '-sha1' })
    issue('07', { hash: '-sha1', days: '1' })
    const revoked = 'R\t350101000000Z\t260401000000Z\t06\tunknown\t/CN=u06\n'
    const expired = 'E\t260101000000Z\t\t07\tunknown\t/CN=u07\n'
    write('index.txt', ['01', '02', '03', '04', '05'].map(good).join('') + revoked + expired)
    const workspace = open()
    const { history, findings } = await importCa(workspace, request({ now: new Date() }))
    workspace.close()
    // How a root has signed itself does not matter (RFC 5280 §6.1).
    expect(findings).toEqual([])
    expect(history?.refused).toEqual([
      { check: 'weak-signature', reason: 'signed with SHA-1', certificates: 2 },
      { check: 'weak-signature', reason: 'signed with MD5', certificates: 1 },
      { check: 'weak-key', reason: 'an RSA key of 1024 bits, fewer than 2048', certificates: 1 },
    ])
  })

  it.each([
    ['weak-key', 'an RSA key of 1024 bits', ['-newkey', 'rsa:1024']],
    ['unsupported-key', 'brainpoolP256r1', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1']],
    [
      'unsupported-key',
      'explicit parameters',
      ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:explicit'],
    ],
  ])('is refused as %s with %s, before a passphrase is asked for', async (check, what, key) => {
    makeRoot(...key)
    const workspace = open()
    const refusal = importCa(workspace, request({ passphrase: () => Promise.reject(new Error('asked')) }))
    await expect(refusal).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(new RegExp(`ca\\.crt has .*${what}.*\\(${check}\\)`)),
      hint: expect.stringContaining('xmppki ca init'),
    })
    expect(workspace.hasCa).toBe(false)
    workspace.close()
  })
})
