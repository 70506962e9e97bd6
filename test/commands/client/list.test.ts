import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { runCli } from '../../support/processes/cli.ts'
import { CaFolder, openssl } from '../../workspace/support.ts'

let ca: CaFolder
beforeAll(async () => {
  ca = await new CaFolder().init()
  await ca.issue('alice')
  await ca.issue('alice', { device: 'phone', days: 10 })
  const bob = await ca.issue('bob')
  ca.workspace
    .ledger()
    .transaction((_insert, changes) => changes.revoke(ca.record(bob.serial), { at: Date.now(), reason: 'superseded' }))
})
afterAll(() => ca.remove())

const run = (...args: string[]) => runCli(['client', ...args], { env: { XMPPKI_HOME: ca.home } })

describe('client list', () => {
  it('prints a table', async () => {
    const { code, stdout, stderr } = await run('list')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [heading, ...rows] = stdout.trimEnd().split('\n')
    expect(heading).toMatch(/^USER +DEVICE +STATE +VALID UNTIL +LAST LOGIN +SERIAL$/)
    expect(rows.map((row) => row.split(/ +/).slice(0, 3).join(' '))).toEqual([
      'alice@localhost - valid',
      'alice@localhost phone expiring',
      'bob@localhost - revoked',
    ])
  })

  it.each([
    ['some expire soon', ['--expiring', '30d'], 10, ['phone']],
    ['none expires that soon', ['--expiring', '25%'], 0, []],
    ['by state, several', ['--state', 'valid', '--state', 'revoked'], 0, ['', '']],
  ])('%s', async (_case, args, exitCode, devices) => {
    const { code, stdout } = await run('list', '--json', ...args)
    expect(JSON.parse(stdout).clients.map(({ device }: { device: string }) => device)).toEqual(devices)
    expect(code).toBe(exitCode)
  })

  it.each([
    ['an unknown state', ['--state', 'gone'], 2],
    ['a period that is none', ['--expiring', 'soon'], 2],
    ['a state beside --expiring', ['--expiring', '30d', '--state', 'valid'], 2],
    ['a folder without a CA', ['--home', '/nonexistent'], 4],
  ])('refuses %s', async (_case, args, exitCode) => {
    const { code, stdout } = await run('list', ...args)
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' })
  })
})

describe('client show', () => {
  it('shows every certificate of the user', async () => {
    const { code, stdout } = await run('show', 'bob')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^bob@localhost\n {2}state +revoked\n {2}revoked on +\d{4}-\d\d-\d\d \(superseded\)\n/)
    expect(stdout).toContain(`  folder       ${ca.home}/clients/localhost/bob\n`)
  })

  it('names what speaks against a certificate, and what to do about it', async () => {
    const { serial, files } = await ca.issue('carol')
    const { rootCertificate, rootKey } = ca.workspace.paths
    const by = ['-CA', rootCertificate, '-CAkey', rootKey, '-set_serial', `0x${serial}`, '-sha1']
    openssl('x509', '-req', '-in', files.csr, ...by, '-out', files.certificate)
    const { fingerprint256 } = new X509Certificate(readFileSync(files.certificate))
    const database = new DatabaseSync(join(ca.home, 'ledger.db'))
    database
      .prepare('UPDATE issued SET fingerprint = ? WHERE serial = ?')
      .run(fingerprint256.replaceAll(':', '').toLowerCase(), serial)
    database.close()
    const { stdout } = await run('show', 'carol')
    expect(stdout).toMatch(
      /^ {2}state +valid\n {2}refused +weak-signature: .*\n {2}remedy +renew it: xmppki client renew carol@localhost\n/m,
    )
    const { certificates } = JSON.parse((await run('show', 'carol', '--json')).stdout)
    expect(certificates).toMatchObject([{ state: 'valid', refusal: 'weak-signature' }])
    const { clients } = JSON.parse((await run('list', '--json')).stdout)
    expect(clients.map(({ refusal }: { refusal: unknown }) => refusal)).toEqual([null, null, 'revoked', null])
  })

  it('takes one device', async () => {
    const { stdout } = await run('show', 'alice@localhost', '--device', 'phone', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ jid: 'alice@localhost', certificates: [{ device: 'phone' }] })
  })

  it.each([
    ['nobody', ['dave'], 'dave@localhost never had a certificate'],
    ['no such device', ['alice', '--device', 'tablet'], 'alice@localhost (tablet) never had a certificate'],
  ])('%s: exit code 4', async (_case, args, text) => {
    const { code, stderr } = await run('show', ...args)
    expect(code).toBe(4)
    expect(stderr).toContain(text)
  })
})
