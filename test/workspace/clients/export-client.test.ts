import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ExportRequest, exportClient } from '../../../src/workspace/clients/export-client.ts'
import type { IssuedClient } from '../../../src/workspace/clients/issue-client.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
let alice: IssuedClient
beforeEach(async () => {
  ca = await new CaFolder().init()
  alice = await ca.issue('alice')
  rmSync(ca.workspace.paths.rootKey)
})
afterEach(() => ca.remove())

const request = (given: Partial<ExportRequest> = {}): ExportRequest => ({
  jid: parseJid('alice@localhost'),
  device: '',
  format: 'p12',
  out: ca.path('out'),
  p12Format: 'modern',
  ...given,
})
const run = (given?: Partial<ExportRequest>) => exportClient(ca.workspace, request(given))
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })
const modeOf = (path: string) => statSync(path).mode & 0o777

describe('exportClient', () => {
  it.each(['modern', 'compat'] as const)('p12, %s: a bundle with the password that was given', async (p12Format) => {
    const exported = await run({ p12Password: 'agreed upon', p12Format })
    expect(exported).toMatchObject({ serial: alice.serial, file: ca.path('out') })
    expect(exported.generatedPassword).toBeUndefined()
    const info = openssl('pkcs12', '-in', exported.file, '-passin', 'pass:agreed upon', '-nodes', '-legacy')
    expect(info.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(info).toContain('friendlyName: alice@localhost')
    expect(modeOf(exported.file)).toBe(0o600)
  })

  it('p12: generates a password and writes it beside', async () => {
    const { file, passwordFile, generatedPassword } = await run()
    expect(readFileSync(passwordFile ?? '', 'utf8')).toBe(`${generatedPassword}\n`)
    expect([modeOf(file), modeOf(passwordFile ?? '')]).toEqual([0o600, 0o600])
    createSecureContext({ pfx: readFileSync(file), passphrase: generatedPassword ?? '' })
  })

  it.each([
    ['pem', ['PRIVATE KEY', 'CERTIFICATE', 'CERTIFICATE']],
    ['chain', ['CERTIFICATE', 'CERTIFICATE']],
  ] as const)('%s', async (format, labels) => {
    const { file } = await run({ format })
    const text = readFileSync(file, 'utf8')
    expect(Array.from(text.matchAll(/-----BEGIN (.*)-----/g), ([, label]) => label)).toEqual(labels)
    expect(text).toContain(readFileSync(alice.files.certificate, 'utf8'))
    expect(modeOf(file)).toBe(0o600)
    expect(openssl('verify', '-CAfile', ca.workspace.paths.rootCertificate, file)).toContain('OK')
  })

  it.each([
    ['the file', 'out'],
    ['the file of its password', 'out.password'],
  ])('never overwrites %s', async (_case, name) => {
    writeFileSync(ca.path(name), 'precious')
    await expect(run()).rejects.toThrow(failure('EXISTS', ca.path(name)))
    expect(readFileSync(ca.path(name), 'utf8')).toBe('precious')
    expect(existsSync(ca.path(name === 'out' ? 'out.password' : 'out'))).toBe(false)
  })

  it.each([
    ['nobody of this name', 'NOT_FOUND', { jid: parseJid('bob@localhost') }],
    ['no such device', 'NOT_FOUND', { device: 'phone' }],
    ['a folder that is not there', 'IO', { out: '/nonexistent/out' }],
    ['a blank password', 'PASSPHRASE', { p12Password: ' ' }],
  ])('refuses %s', async (_case, code, given) => {
    await expect(run(given)).rejects.toThrow(expect.objectContaining({ code }))
    expect(existsSync(ca.path('out'))).toBe(false)
  })

  it('finds the folder that a killed renewal had moved aside', async () => {
    const { directory, serial } = alice
    const staging = join(dirname(directory), '.xmppki-x')
    const archive = `${directory}~old`
    const record = { ...ca.workspace.ledger().listBySerial(serial)[0], serial: 'ff', fingerprint: 'ff' }
    const journal = { record, certificateFile: 'alice.crt', staging, replaces: { serial, archive } }
    writeFileSync(join(ca.workspace.paths.temporary, '.xmppki-x.json'), JSON.stringify(journal))
    renameSync(directory, archive)
    expect((await run()).serial).toBe(serial)
    expect(existsSync(archive)).toBe(false)
  })

  it('looks again when the files are moved away while it reads them', async () => {
    const overtaken = {
      ...request(),
      // Asked for between the look into the ledger and the look at the files.
      get out() {
        if (existsSync(alice.directory)) renameSync(alice.directory, `${alice.directory}~moved`)
        return ca.path('out')
      },
    }
    await expect(exportClient(ca.workspace, overtaken)).rejects.toThrow(failure('NOT_FOUND', 'no certificate here'))
    expect(existsSync(ca.path('out'))).toBe(false)
  })

  it('refuses a certificate that was revoked', async () => {
    ca.workspace
      .ledger()
      .transaction((_insert, changes) => changes.revoke(ca.record(alice.serial), { at: 1, reason: 'superseded' }))
    await expect(run()).rejects.toThrow(failure('NOT_FOUND', 'not revoked'))
  })

  it('exports the chain where the key is the client’s alone', async () => {
    rmSync(alice.files.key)
    await expect(run()).rejects.toThrow(failure('NOT_FOUND', alice.files.key))
    expect(existsSync(ca.path('out'))).toBe(false)
    expect((await run({ format: 'chain' })).format).toBe('chain')
  })

  it('notices files that are not what the ledger says', async () => {
    const bob = { key: ca.path('bob.key'), crt: ca.path('bob.crt') }
    const make = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=bob']
    openssl('req', '-x509', ...make, '-keyout', bob.key, '-out', bob.crt)
    const [key, certificate] = [readFileSync(alice.files.key), readFileSync(alice.files.certificate)]
    writeFileSync(alice.files.key, readFileSync(bob.key))
    await expect(run()).rejects.toThrow(failure('CORRUPT', alice.files.key))
    writeFileSync(alice.files.key, key)
    writeFileSync(alice.files.certificate, readFileSync(bob.crt))
    await expect(run()).rejects.toThrow(failure('CORRUPT', alice.files.certificate))
    writeFileSync(alice.files.certificate, certificate)
    expect((await run()).serial).toBe(alice.serial)
  })
})
