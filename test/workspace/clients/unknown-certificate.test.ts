import { readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { readCrl } from '../../../src/pki/revocation/crl-facts.ts'
import { backupWorkspace } from '../../../src/workspace/backup/backup.ts'
import { restoreWorkspace } from '../../../src/workspace/backup/restore.ts'
import type { CertificateNumber } from '../../../src/workspace/base/certificate-number.ts'
import { parsePeriod } from '../../../src/workspace/base/period.ts'
import { readAuditTrail } from '../../../src/workspace/ca/audit-trail.ts'
import { initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import { revokeIssuing } from '../../../src/workspace/ca/revoke-issuing.ts'
import { listClients } from '../../../src/workspace/clients/list-clients.ts'
import { renewableClients } from '../../../src/workspace/clients/renew-clients.ts'
import { revokeClients } from '../../../src/workspace/clients/revoke-clients.ts'
import { testClient } from '../../pki/support.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const issuer = () => ca.workspace.issuerSource(() => Promise.reject(new Error('nobody should ask')))
const revoke = (target: CertificateNumber | { file: string }) =>
  revokeClients(ca.workspace, { target, reason: 'keyCompromise', crlDays: 30, issuer: issuer() })
const crlSerials = (file = ca.workspace.paths.crl) =>
  readCrl(readFileSync(file, 'utf8'), file).entries.map(({ serial }) => serial)
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })
const events = () => readAuditTrail(ca.workspace.ledger()).entries
const list = () => listClients(ca.workspace, { expiring: parsePeriod('30d') })

/** What the CA has signed without the ledger, in a file. */
async function unknown(bare = 'bob@localhost', by = ca.issuer): Promise<{ file: string; serial: string }> {
  const { pem, serial } = await testClient(await by(), bare, { now: new Date() })
  const file = ca.path(`${serial}.crt`)
  writeFileSync(file, pem)
  return { file, serial }
}

const initBelow = () =>
  initIssuing(ca.workspace, {
    commonName: 'Below',
    algorithm: keyAlgorithm('ec:p256'),
    days: 1825,
    issuer: issuer(),
    passphrase: async () => undefined,
    ifMissing: false,
    replace: false,
  })

/** A certificate that openssl signs with the root, with these extensions. */
function signedByOpenssl(name: string, extensions: string): string {
  const { rootCertificate, rootKey } = ca.workspace.paths
  const [key, csr, file, config] = ['key', 'csr', 'crt', 'cnf'].map((ending) => ca.path(`${name}.${ending}`))
  writeFileSync(config ?? '', `[e]\n${extensions}\n`)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key ?? '']
  openssl('req', '-new', ...newKey, '-subj', `/CN=${name}`, '-out', csr ?? '')
  const by = ['-CA', rootCertificate, '-CAkey', rootKey, '-set_serial', '0x4242', '-extfile', config ?? '']
  openssl('x509', '-req', '-in', csr ?? '', ...by, '-extensions', 'e', '-out', file ?? '')
  return file ?? ''
}

describe('a certificate that the CA has signed and the ledger does not know', () => {
  it('is taken up and revoked by its file', async () => {
    const { file, serial } = await unknown()
    const { revoked } = await revoke({ file })
    expect(revoked).toMatchObject([{ jid: 'bob@localhost', serial, takenUp: true, alreadyRevoked: false }])
    expect(crlSerials()).toEqual([serial])
    expect(list()).toMatchObject([{ jid: 'bob@localhost', state: 'revoked', directory: dirname(file) }])
    expect(ca.warnings).toEqual([expect.stringContaining('did not know the certificate of bob@localhost')])
    const again = await revoke({ file })
    expect(again.revoked).toMatchObject([{ takenUp: false, alreadyRevoked: true }])
  })

  it('is taken up and revoked by its number, and that its name stays unknown is said', async () => {
    const { serial } = await unknown()
    const { revoked } = await revoke({ serial })
    expect(revoked).toMatchObject([{ jid: '', serial, takenUp: true }])
    expect(crlSerials()).toEqual([serial])
    expect(ca.warnings).toEqual([expect.stringContaining('whose it is stays unknown')])
    expect(list()).toMatchObject([{ jid: '', state: 'revoked', notAfter: ca.workspace.root().notAfter }])
  })

  it('may turn up after its number was revoked', async () => {
    const { file, serial } = await unknown()
    await revoke({ serial })
    expect((await revoke({ file })).revoked).toMatchObject([{ serial, takenUp: false, alreadyRevoked: true }])
  })

  it('stands in the audit log, which agrees with the ledger', async () => {
    const { file, serial } = await unknown()
    await revoke({ file })
    await revoke({ serial: '77' })
    const told = events().filter(({ event }) => event === 'taken-up' || event === 'revoked')
    expect(told.map(({ event, name, serial: of, details }) => [event, name, of, details?.['knownBy']])).toEqual([
      ['taken-up', 'bob@localhost', serial, 'certificate'],
      ['revoked', 'bob@localhost', serial, undefined],
      ['taken-up', '', '77', 'serial number'],
      ['revoked', '', '77', undefined],
    ])
  })

  it('changes nothing for others: renewals, issuing, backups', async () => {
    await ca.issue('alice')
    const { file } = await unknown()
    await revoke({ file })
    await revoke({ serial: '77' })
    expect(renewableClients(ca.workspace).map(({ jid }) => String(jid))).toEqual(['alice@localhost'])
    const { serial } = await ca.issue('bob')
    expect(list().map(({ jid, state }) => `${jid} ${state}`)).toEqual([
      ' revoked',
      'alice@localhost valid',
      'bob@localhost valid',
      'bob@localhost revoked',
    ])
    expect(ca.workspace.ledger().findCurrent({ kind: 'client', name: 'bob@localhost', device: '' })?.serial).toBe(
      serial,
    )
    await backupWorkspace(ca.workspace, ca.path('x.age'), 'pass', 10)
    const restored = await restoreWorkspace(ca.path('new'), ca.path('x.age'), 'pass')
    expect(restored).toMatchObject({ certificates: 5, outside: 1 })
  })

  it.each(['-05', '00', 'ab'.repeat(40)])('may have an odd serial number: %s', async (serial) => {
    await revoke({ serial })
    expect(crlSerials()).toEqual([serial])
  })
})

describe('the CA of a certificate that the ledger does not know', () => {
  it('is found by the signature', async () => {
    await initBelow()
    const [root, below] = [ca.workspace.root(), ca.workspace.authority()]
    const one = await unknown('bob@localhost', () => issuer()(root))
    const other = await unknown('carol@localhost', () => issuer()(below))
    await revoke({ file: one.file })
    await revoke({ file: other.file })
    expect(crlSerials(root.files.crl)).toEqual([one.serial])
    expect(crlSerials(below.files.crl)).toEqual([other.serial])
  })

  it('has to be named where there are several and the number alone is known', async () => {
    await initBelow()
    const [root, below] = [ca.workspace.root(), ca.workspace.authority()]
    await expect(revoke({ serial: '77' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      hint: expect.stringMatching(/--issuer [0-9a-f]{12} \(.*CN=Test CA.*\), --issuer [0-9a-f]{12} \(.*CN=Below/),
    })
    expect(list()).toEqual([])
    await revoke({ serial: '77', issuerId: below.id.slice(0, 12) })
    await revoke({ serial: '78', issuerId: root.serial.slice(0, 12) })
    expect(crlSerials(below.files.crl)).toEqual(['77'])
    expect(crlSerials(root.files.crl)).toEqual(['78'])
  })

  it('may itself be revoked: the certificate is revoked all the same, and that no list says so is told', async () => {
    await initBelow()
    const below = ca.workspace.authority()
    const { file, serial } = await unknown('bob@localhost', () => issuer()(below))
    const known = await ca.issue('alice', { issuer: issuer() })
    await revokeIssuing(ca.workspace, { serial: undefined, reason: 'cACompromise', crlDays: 7, issuer: issuer() })
    await revoke({ file })
    await revoke({ serial: known.serial })
    const revoked = ca.workspace
      .ledger()
      .listRevoked()
      .map((record) => record.serial)
    expect(revoked).toEqual(expect.arrayContaining([serial, known.serial]))
    expect(ca.warnings).toContainEqual(expect.stringContaining(`no CRL names serial ${serial}`))
    expect(events().length).toBeGreaterThan(4)
  })

  it('must not be another with the same name', async () => {
    const other = await new CaFolder().init()
    const { pem } = await testClient(await other.issuer(), 'bob@localhost', { now: new Date() })
    other.remove()
    const file = ca.path('foreign.crt')
    writeFileSync(file, pem)
    await expect(revoke({ file })).rejects.toThrow(failure('NOT_FOUND', 'was signed by another key than that of'))
    expect(list()).toEqual([])
  })
})

describe('what is refused', () => {
  it.each([
    ['a server', 'extendedKeyUsage=serverAuth', 'but of a server: CN=some'],
    ['a CA', 'basicConstraints=critical,CA:TRUE', 'but of a CA: CN=some'],
  ])('the certificate of %s, with the way to revoke it all the same', async (_case, extensions, text) => {
    const file = signedByOpenssl('some', extensions)
    const error = await revoke({ file }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(text) })
    expect(error).toMatchObject({ hint: expect.stringContaining('--serial 4242') })
    await revoke({ serial: '4242' })
    expect(crlSerials()).toEqual(['4242'])
  })

  it('that of the issuing CA, with the command that revokes it', async () => {
    await initBelow()
    const { files, serial } = ca.workspace.authority()
    await expect(revoke({ file: files.certificate })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      hint: expect.stringContaining(`xmppki ca issuing revoke --serial ${serial}`),
    })
  })

  it('a second certificate with the same number of the same CA (RFC 5280 §4.1.2.2)', async () => {
    signedByOpenssl('first', 'extendedKeyUsage=clientAuth')
    await revoke({ file: ca.path('first.crt') })
    signedByOpenssl('second', 'extendedKeyUsage=clientAuth')
    await expect(revoke({ file: ca.path('second.crt') })).rejects.toThrow(
      failure('BAD_INPUT', 'has the serial number of another certificate of its CA (first@localhost)'),
    )
  })
})
