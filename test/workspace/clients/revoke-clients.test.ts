import { X509Certificate } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Interrupted } from '../../../src/cli/prompt.ts'
import { XmppkiError } from '../../../src/errors.ts'
import { readCrl } from '../../../src/pki/revocation/crl-facts.ts'
import { verifyChain } from '../../../src/store/audit.ts'
import { revokeAudited } from '../../../src/workspace/base/audit-events.ts'
import { parseSerial } from '../../../src/workspace/base/certificate-number.ts'
import {
  parseReason,
  type RevocationRequest,
  type RevocationTarget,
  revokeClients,
} from '../../../src/workspace/clients/revoke-clients.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const named = (...names: string[]) => ({
  jids: names.map((name) => parseJid(`${name}@localhost`)),
  device: '',
  allDevices: false,
})
const revoke = (target: RevocationTarget, given: Partial<RevocationRequest> = {}) =>
  revokeClients(ca.workspace, { target, reason: 'keyCompromise', crlDays: 30, issuer: ca.issuer, ...given })
const crl = () => readCrl(readFileSync(ca.workspace.paths.crl, 'utf8'), 'root.crl')
const revokedSerials = () => crl().entries.map(({ serial }) => serial)
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })

describe('a serial number that two CAs have given (RFC 5280 §4.1.2.2)', () => {
  const PARTNER = { authority: 'fa'.repeat(32), issuer: '01' }

  async function twins() {
    const { serial } = await ca.issue('alice')
    const ours = ca.record(serial)
    const theirs = { ...ours, ...PARTNER, name: 'bob@localhost', device: 'phone', fingerprint: 'ff' }
    ca.workspace.ledger().transaction((insert) => insert(theirs))
    return { ours, theirs }
  }

  it('does not say which is meant: both are named, and nothing is revoked', async () => {
    const { ours } = await twins()
    const error = await revoke({ serial: ours.serial }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(`2 CAs`) })
    const { hint } = error as XmppkiError
    expect(hint).toContain(`--issuer ${ours.authority.slice(0, 12)} for alice@localhost, `)
    expect(hint).toContain('--issuer fafafafafafa for bob@localhost (phone)')
    expect(ca.workspace.ledger().countRevoked()).toBe(0)
  })

  it('is enough with the first digits of the CA, or with the certificate', async () => {
    const { ours, theirs } = await twins()
    const { revoked } = await revoke({ serial: ours.serial, issuerId: ours.authority.slice(0, 12) })
    expect(revoked).toMatchObject([{ jid: 'alice@localhost' }])
    expect(ca.workspace.ledger().revokedAt(theirs)).toBeUndefined()
    const file = join(ours.directory, 'alice.crt')
    expect((await revoke({ file })).revoked).toMatchObject([{ jid: 'alice@localhost', alreadyRevoked: true }])
    expect(revokedSerials()).toEqual([ours.serial])
  })

  it('means the client where the other one is none', async () => {
    const { serial } = await ca.issue('alice')
    const root = { ...ca.record(ca.workspace.root().serial), ...PARTNER, serial }
    ca.workspace.ledger().transaction((insert) => insert(root))
    expect((await revoke({ serial })).revoked).toMatchObject([{ jid: 'alice@localhost' }])
  })

  it('has no certificate of a third CA', async () => {
    const { ours } = await twins()
    await expect(revoke({ serial: ours.serial, issuerId: 'eeee' })).rejects.toThrow(failure('NOT_FOUND', 'eeee'))
  })

  it('is in the log with the CA that gave it', async () => {
    const { ours, theirs } = await twins()
    ca.workspace.ledger().transaction((_insert, changes) => {
      revokeAudited(ca.workspace.ledger(), changes, theirs, { at: 5, reason: 'superseded' })
    })
    await revoke({ serial: ours.serial, issuerId: ours.authority })
    const entries = [...verifyChain(ca.workspace.ledger().auditTrail())].filter(({ event }) => event === 'revoked')
    expect(entries).toMatchObject([
      { serial: ours.serial, issuerId: PARTNER.authority, name: 'bob@localhost' },
      { serial: ours.serial, issuerId: ours.authority, name: 'alice@localhost' },
    ])
  })
})

describe('revokeClients', () => {
  it('revokes in ledger and CRL, which openssl accepts', async () => {
    const [alice, bob] = [await ca.issue('alice'), await ca.issue('bob')]
    const { revoked } = await revoke(named('alice'))
    expect(revoked).toMatchObject([{ serial: alice.serial, reason: 'keyCompromise', alreadyRevoked: false }])
    expect(ca.workspace.ledger().listBySerial(alice.serial)[0]?.revocationReason).toBe('keyCompromise')
    expect(crl()).toMatchObject({ number: 1n, entries: [{ serial: alice.serial, reason: 'keyCompromise' }] })
    const { crl: file, rootCertificate } = ca.workspace.paths
    expect(statSync(file).mode & 0o777).toBe(0o644)
    const verify = ['verify', '-x509_strict', '-crl_check', '-CAfile', rootCertificate, '-CRLfile', file]
    expect(openssl(...verify, bob.files.certificate)).toContain('OK')
    expect(() => openssl(...verify, alice.files.certificate)).toThrow('certificate revoked')
  })

  it('keeps the first date and reason, and writes the CRL again with a larger number', async () => {
    await ca.issue('alice')
    const first = await revoke(named('alice'))
    rmSync(ca.workspace.paths.crl)
    const again = await revoke(named('alice'), { reason: 'superseded' })
    expect(again.revoked).toEqual([{ ...first.revoked[0], alreadyRevoked: true }])
    expect(crl()).toMatchObject({ number: 2n, entries: [{ reason: 'keyCompromise' }] })
  })

  it('takes one device and tells about the others', async () => {
    const [main, phone] = [await ca.issue('alice'), await ca.issue('alice', { device: 'phone' })]
    await revoke({ ...named('alice'), device: 'phone' })
    expect(revokedSerials()).toEqual([phone.serial])
    expect(ca.warnings).toEqual([expect.stringContaining('from other devices: the main one')])
    await revoke({ ...named('alice'), allDevices: true })
    expect(revokedSerials().sort()).toEqual([main.serial, phone.serial].sort())
    expect(ca.warnings).toHaveLength(1)
  })

  it.each([
    ['nobody of this name', named('alice', 'dave'), 'dave@localhost has no certificate'],
    ['no such device', { ...named('alice'), device: 'tablet' }, 'alice@localhost (tablet)'],
    ['no such CA', { serial: 'ab', issuerId: 'e'.repeat(64) }, 'no CA whose id begins with'],
  ])('%s: NOT_FOUND, and nothing is revoked', async (_case, target, text) => {
    await ca.issue('alice')
    await expect(revoke(target)).rejects.toThrow(failure('NOT_FOUND', text))
    expect(ca.workspace.ledger().list('client')[0]?.revokedAt).toBeUndefined()
    expect(() => crl()).toThrow('ENOENT')
  })

  it('does not take expired ones by name', async () => {
    const { serial } = await ca.issue('alice', { days: 10 })
    const now = new Date(Date.now() + 11 * 86_400_000)
    await expect(revoke(named('alice'), { now })).rejects.toThrow(failure('NOT_FOUND', 'alice'))
    await revoke({ serial }, { now })
    expect(revokedSerials()).toEqual([serial])
  })

  it.each(['PEM', 'DER', 'a chain'])('finds a certificate by its file: %s', async (form) => {
    const { serial, files } = await ca.issue('alice')
    const pem = readFileSync(files.certificate, 'utf8')
    const file = ca.path('found')
    const root = readFileSync(ca.workspace.paths.rootCertificate, 'utf8')
    const contents: Record<string, string | Buffer> = {
      PEM: pem,
      DER: new X509Certificate(pem).raw,
      'a chain': pem + root,
    }
    writeFileSync(file, contents[form] ?? '')
    await revoke({ file })
    expect(revokedSerials()).toEqual([serial])
  })

  it('refuses a certificate of another CA that has the same serial number', async () => {
    const { serial } = await ca.issue('alice')
    const file = ca.path('foreign.crt')
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null']
    openssl('req', '-x509', ...key, '-subj', '/CN=alice', '-set_serial', `0x${serial}`, '-out', file)
    await expect(revoke({ file })).rejects.toThrow(failure('NOT_FOUND', `${file} was issued by another CA: CN=alice`))
  })

  it('refuses the certificate of the CA', async () => {
    const file = ca.workspace.paths.rootCertificate
    await expect(revoke({ file })).rejects.toThrow(failure('BAD_INPUT', 'not the certificate of a client'))
  })

  describe('what a user has enrolled (XEP-0257)', () => {
    const account = 'alice@localhost'
    const labels = () =>
      ca.workspace
        .ledger()
        .enrolments.list(account)
        .map(({ label }) => label)
    beforeEach(() =>
      ca.workspace.ledger().transaction((_insert, changes) => {
        const times = { enrolledAt: 1, notAfter: Date.now() + 1_000_000 }
        const made = { label: 'Phone', fingerprint: 'ff', certificate: 'AA==', mayManage: true, ...times }
        changes.enrol({ account, ...made })
      }),
    )

    it('goes with all devices', async () => {
      await ca.issue('alice')
      const { enrolled } = await revoke({ ...named('alice'), allDevices: true })
      expect(enrolled).toEqual([{ jid: account, label: 'Phone', fingerprint: 'ff' }])
      expect(labels()).toEqual([])
      expect(ca.workspace.ledger().enrolments.isRevoked(account, 'ff')).toBe(true)
    })

    it('goes when nothing else is left', async () => {
      const { revoked, enrolled } = await revoke({ ...named('alice'), allDevices: true })
      expect([revoked.length, enrolled.length, labels().length]).toEqual([0, 1, 0])
      await expect(revoke({ ...named('alice'), allDevices: true })).rejects.toThrow(failure('NOT_FOUND', 'alice'))
    })

    it('stays with one device, and that is said', async () => {
      await ca.issue('alice')
      const { enrolled } = await revoke(named('alice'))
      expect([enrolled, labels()]).toEqual([[], ['Phone']])
      expect(ca.warnings).toContainEqual(expect.stringContaining('Phone; --all-devices revokes them as well'))
    })
  })

  it('revokes when the CA cannot be unlocked, and says why the CRL is not up to date', async () => {
    await ca.issue('alice')
    const wrong = new XmppkiError('PASSPHRASE', 'wrong')
    const { crls, unsigned } = await revoke(named('alice'), { issuer: () => Promise.reject(wrong) })
    expect(crls).toEqual([])
    expect(unsigned).toEqual([{ authority: expect.objectContaining({ kind: 'root' }), reason: wrong }])
    expect(ca.workspace.ledger().list('client')[0]?.revokedAt).toBeDefined()
  })

  it('revokes nothing when somebody has thought better of it', async () => {
    await ca.issue('alice')
    const issuer = () => Promise.reject(new Interrupted('interrupted'))
    await expect(revoke(named('alice'), { issuer })).rejects.toThrow(Interrupted)
    expect(ca.workspace.ledger().list('client')[0]?.revokedAt).toBeUndefined()
  })

  it('revokes without the key of the CA, and says that the CRL is not up to date', async () => {
    await ca.issue('alice')
    rmSync(ca.workspace.paths.rootKey)
    const { crls, unsigned } = await revoke(named('alice'))
    expect(crls).toEqual([])
    expect(unsigned).toMatchObject([{ authority: { files: { key: ca.workspace.paths.rootKey } }, reason: undefined }])
    expect(ca.workspace.ledger().list('client')[0]?.revokedAt).toBeDefined()
  })
})

describe('parseSerial', () => {
  it.each([
    ['2B3C', '2b3c'],
    ['0x2b3c', '2b3c'],
    ['2b:3c', '2b3c'],
    ['00:FB:3c', 'fb3c'],
    ['b3c', '0b3c'],
    ['0', '00'],
    ['-05', '-05'],
    ['-5', '-05'],
    ['-0x5', '-05'],
    ['(Negative)80:aa', '-80aa'],
    ['-0', '00'],
    ['f'.repeat(80), 'f'.repeat(80)],
  ])('%s', (text, serial) => expect(parseSerial(text)).toBe(serial))

  it.each(['', 'xyz', '12g', '-', '--5', '5-'])('refuses %j', (text) => {
    expect(() => parseSerial(text)).toThrow(failure('BAD_INPUT', 'is not a serial number'))
  })
})

describe('parseReason', () => {
  it('takes the names of RFC 5280 §5.3.1 in any case', () => expect(parseReason('KEYCOMPROMISE')).toBe('keyCompromise'))

  it.each(['', 'stolen', 'certificateHold', 'removeFromCRL'])('refuses %j', (text) => {
    expect(() => parseReason(text)).toThrow(failure('BAD_INPUT', 'is not a reason'))
  })
})
