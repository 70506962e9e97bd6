import { createPublicKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { parsePeriod } from '../../../src/workspace/base/period.ts'
import { type RenewalRequest, renewClient } from '../../../src/workspace/clients/renew-client.ts'
import { renewableClients, renewClients } from '../../../src/workspace/clients/renew-clients.ts'
import { revokeClients } from '../../../src/workspace/clients/revoke-clients.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { CaFolder, openssl } from '../support.ts'

const DAY = 86_400_000

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const common = () => ({
  days: 500,
  rekey: false,
  p12Format: 'modern' as const,
  revokeOld: false,
  issuer: ca.issuer,
})
const renew = (given: Partial<RenewalRequest> = {}) =>
  renewClient(ca.workspace, { ...common(), jid: parseJid('alice@localhost'), device: '', ...given })
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })
const certificateAt = (path: string) => new X509Certificate(readFileSync(path))
const spki = (path: string) => certificateAt(path).publicKey.export({ type: 'spki', format: 'pem' })
const clientFolders = () => readdirSync(`${ca.workspace.paths.home}/clients/localhost`).sort()

describe('renewClient', () => {
  it('keeps key, names, password and place; the old certificate stays valid and its files are beside', async () => {
    const old = await ca.issue('alice', { days: 40 })
    const oldKey = spki(old.files.certificate)
    const renewed = await renew()
    expect(renewed).toMatchObject({ renewed: true, directory: old.directory })
    expect(renewed.generatedPassword).toBeUndefined()
    expect(spki(old.files.certificate)).toEqual(oldKey)
    expect(certificateAt(old.files.certificate).serialNumber.toLowerCase()).toBe(renewed.serial)
    const archive = `${old.directory}~${old.serial.slice(0, 12)}`
    expect(renewed.previous).toEqual({ serial: old.serial, notAfter: old.notAfter, revoked: false, directory: archive })
    expect(clientFolders()).toEqual(['alice', `alice~${old.serial.slice(0, 12)}`])
    expect(readdirSync(old.directory)).toEqual(readdirSync(archive))
    openssl('pkcs12', '-in', old.files.p12, '-passin', `pass:${old.generatedPassword}`, '-noout')
    openssl('verify', '-x509_strict', '-CAfile', ca.workspace.paths.rootCertificate, old.files.certificate)
    const ledger = ca.workspace.ledger()
    expect(ledger.listBySerial(old.serial)[0]).toMatchObject({ directory: archive })
    expect(ledger.listBySerial(old.serial)[0]?.revokedAt).toBeUndefined()
    expect(ledger.listBySerial(renewed.serial)[0]?.directory).toBe(old.directory)
  })

  it.each([
    ['of the same type', undefined, 'prime256v1'],
    ['of another type', keyAlgorithm('ec:p384'), 'secp384r1'],
  ])('makes a new key %s', async (_case, algorithm, namedCurve) => {
    const old = await ca.issue('alice')
    const oldKey = spki(old.files.certificate)
    await renew({ rekey: true, ...(algorithm === undefined ? {} : { algorithm }) })
    const { publicKey } = certificateAt(old.files.certificate)
    expect(publicKey.export({ type: 'spki', format: 'pem' })).not.toEqual(oldKey)
    expect(publicKey.asymmetricKeyDetails).toEqual({ namedCurve })
    expect(createPublicKey(readFileSync(old.files.key)).equals(publicKey)).toBe(true)
  })

  it('does not keep a key that was revoked as compromised, with whatever certificate', async () => {
    const old = await ca.issue('alice')
    const { serial } = await renew()
    const target = { serial: old.serial }
    await revokeClients(ca.workspace, { target, reason: 'keyCompromise', crlDays: 7, issuer: ca.issuer })
    await expect(renew()).rejects.toThrow(failure('BAD_INPUT', `as compromised with the certificate ${old.serial}`))
    expect(await renew({ rekey: true })).toMatchObject({ previous: { serial } })
    expect(await renew()).toMatchObject({ renewed: true })
  })

  it('takes a password that is given, or makes one where none lies there', async () => {
    const old = await ca.issue('alice', { p12Password: 'agreed upon' })
    const { generatedPassword } = await renew()
    expect(readFileSync(`${old.files.p12}.password`, 'utf8')).toBe(`${generatedPassword}\n`)
    await renew({ p12Password: 'agreed again' })
    openssl('pkcs12', '-in', old.files.p12, '-passin', 'pass:agreed again', '-noout')
    expect(existsSync(`${old.files.p12}.password`)).toBe(false)
  })

  it.each([
    ['30d', 470, true],
    ['30d', 460, false],
    ['25%', 376, true],
    ['25%', 370, false],
  ])('due within %s, on day %d of 500: %s', async (period, dayOfLife, expected) => {
    const old = await ca.issue('alice')
    const now = new Date(Date.now() + dayOfLife * DAY)
    const result = await renew({ due: parsePeriod(period), now })
    expect(result.renewed).toBe(expected)
    expect(result.serial === old.serial).toBe(!expected)
  })

  it('needs no CA for what is not due', async () => {
    await ca.issue('alice')
    const issuer = () => Promise.reject(new Error('not needed'))
    expect(await renew({ due: parsePeriod('30d'), issuer })).toMatchObject({ renewed: false })
  })

  it('renews one that has expired', async () => {
    await ca.issue('alice', { days: 10 })
    expect(await renew({ due: parsePeriod('30d'), now: new Date(Date.now() + 11 * DAY) })).toMatchObject({
      renewed: true,
    })
  })

  it('revokes the old one in the same transaction when asked to', async () => {
    const old = await ca.issue('alice')
    const { serial } = await renew({ revokeOld: true })
    const ledger = ca.workspace.ledger()
    expect(ledger.listBySerial(old.serial)[0]).toMatchObject({ revocationReason: 'superseded' })
    expect(ledger.listBySerial(serial)[0]?.revokedAt).toBeUndefined()
  })

  it('renews again and again', async () => {
    await ca.issue('alice')
    for (let count = 0; count < 3; count += 1) await renew()
    expect(clientFolders()).toHaveLength(4)
    for (const { directory, fingerprint } of ca.workspace.ledger().list('client')) {
      const found = certificateAt(`${directory}/alice.crt`).fingerprint256.replaceAll(':', '').toLowerCase()
      expect(found).toBe(fingerprint)
    }
  })

  it('of several at once makes one, and tells the others', async () => {
    await ca.issue('alice')
    const tries = await Promise.allSettled([renew(), renew(), renew()])
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of tries) {
      if (result.status === 'rejected') expect(result.reason).toEqual(failure('EXISTS', 'another process'))
    }
    expect(ca.workspace.ledger().list('client')).toHaveLength(2)
  })

  it.each([true, false])('overtaken while it reads the old files, rekey %s: EXISTS', async (rekey) => {
    const old = await ca.issue('alice')
    const request = { ...common(), jid: parseJid('alice@localhost'), device: '' }
    // Asked for between the look into the ledger and the look at the files.
    const overtaking = {
      ...request,
      get rekey() {
        if (existsSync(old.directory)) renameSync(old.directory, `${old.directory}~moved`)
        return rekey
      },
    }
    await expect(renewClient(ca.workspace, overtaking)).rejects.toThrow(failure('EXISTS', 'another process'))
  })

  it('overtaken by another renewal while it waits for the CA: EXISTS', async () => {
    await ca.issue('alice')
    const issuer = async () => {
      await renew({ rekey: true })
      return ca.issuer()
    }
    await expect(renew({ rekey: true, issuer })).rejects.toThrow(failure('EXISTS', 'another process'))
    expect(ca.workspace.ledger().list('client')).toHaveLength(2)
  })

  it.each([
    ['nobody of this name', { jid: parseJid('bob@localhost') }, 'bob@localhost has no certificate'],
    ['no such device', { device: 'phone' }, 'alice@localhost (phone) has no certificate'],
  ])('%s: NOT_FOUND', async (_case, given, text) => {
    await ca.issue('alice')
    await expect(renew(given)).rejects.toThrow(failure('NOT_FOUND', text))
  })

  it('without the key of the user says what is possible, and does that', async () => {
    const old = await ca.issue('alice')
    rmSync(old.files.key)
    await expect(renew()).rejects.toThrow(failure('NOT_FOUND', old.files.key))
    expect(clientFolders()).toEqual(['alice'])
    expect(await renew({ rekey: true })).toMatchObject({ renewed: true })
  })
})

describe('renewClient after an import', () => {
  /** The row says that the files lie in a folder of another program, which has other things as well. */
  async function imported(folder: string, names: { readonly certificate: string; readonly key: string }) {
    const made = await ca.issue('alice')
    const directory = ca.path(folder)
    for (const name of Object.values(names)) mkdirSync(join(directory, dirname(name)), { recursive: true })
    renameSync(made.files.certificate, join(directory, names.certificate))
    renameSync(made.files.key, join(directory, names.key))
    rmSync(made.directory, { recursive: true })
    writeFileSync(join(directory, 'precious'), 'precious')
    ca.workspace.ledger().transaction((_insert, changes) => changes.relocate(ca.record(made.serial), directory))
    return { made, directory }
  }

  it.each([
    ['the folder of the walkthrough', 'walkthrough', { certificate: 'alice.crt', key: 'alice.key' }],
    ['the home of the user', 'alice', { certificate: 'alice.crt', key: 'alice.key' }],
    ['the folder of openssl ca', 'newcerts', { certificate: '01.pem', key: '01.key' }],
    ['the folder of easy-rsa', 'issued', { certificate: 'al.crt', key: '../private/al.key' }],
  ])('%s stays as it is, and the new files go to the workspace', async (_case, folder, names) => {
    const { made, directory } = await imported(folder, names)
    const before = readdirSync(directory)
    const oldKey = spki(join(directory, names.certificate))
    const renewed = await renew({ revokeOld: true })
    expect(renewed).toMatchObject({ directory: made.directory, previous: { directory, revoked: true } })
    expect(readdirSync(directory)).toEqual(before)
    expect(spki(made.files.certificate)).toEqual(oldKey)
    expect(ca.workspace.ledger().listBySerial(made.serial)[0]).toMatchObject({
      directory,
      revocationReason: 'superseded',
    })
  })

  it('does not take a key that is encrypted, but can make a new one', async () => {
    const { made, directory } = await imported('walkthrough', { certificate: 'alice.crt', key: 'alice.key' })
    const key = join(directory, 'alice.key')
    openssl('pkcs8', '-topk8', '-in', key, '-out', `${key}.enc`, '-passout', 'pass:x')
    renameSync(`${key}.enc`, key)
    await expect(renew()).rejects.toThrow(failure('PASSPHRASE', key))
    expect(await renew({ rekey: true })).toMatchObject({ directory: made.directory })
  })

  it('makes a new key where even the certificate is lost', async () => {
    const { directory } = await imported('walkthrough', { certificate: 'alice.crt', key: 'alice.key' })
    rmSync(join(directory, 'alice.crt'))
    await expect(renew()).rejects.toThrow(failure('CORRUPT', join(directory, 'alice.crt')))
    await expect(renew({ rekey: true })).rejects.toThrow(failure('CORRUPT', join(directory, 'alice.crt')))
    expect(await renew({ rekey: true, algorithm: keyAlgorithm('ec:p256') })).toMatchObject({ renewed: true })
  })
})

describe('renewClients', () => {
  it('takes every user and device that can still log in', async () => {
    const bob = await ca.issue('bob')
    await ca.issue('alice', { device: 'phone' })
    await ca.issue('alice')
    ca.workspace
      .ledger()
      .transaction((_insert, changes) => changes.revoke(ca.record(bob.serial), { at: 1, reason: 'superseded' }))
    await renew()
    const found = renewableClients(ca.workspace).map(({ jid, device }) => `${jid} ${device}`)
    expect(found).toEqual(['alice@localhost ', 'alice@localhost phone'])
  })

  it('goes on after a failure, and writes one CRL at the end', async () => {
    const alice = await ca.issue('alice')
    const clients = ['dave', 'alice'].map((name) => ({ jid: parseJid(`${name}@localhost`), device: '' }))
    const { done, failed, crls } = await renewClients(ca.workspace, {
      ...common(),
      revokeOld: true,
      clients,
      crlDays: 30,
    })
    expect(done.map(({ jid }) => jid)).toEqual(['alice@localhost'])
    expect(failed.map(({ error }) => error.code)).toEqual(['NOT_FOUND'])
    expect(crls.map(({ revoked }) => revoked.map(({ serial }) => serial))).toEqual([[alice.serial]])
  })

  it('stops when the CA cannot be unlocked', async () => {
    await ca.issue('alice')
    const clients = [{ jid: parseJid('alice@localhost'), device: '' }]
    let asked = 0
    const issuer = () => {
      asked += 1
      return Promise.reject(new XmppkiError('PASSPHRASE', 'wrong'))
    }
    const batch = { ...common(), issuer, clients: [...clients, ...clients], crlDays: 30 }
    await expect(renewClients(ca.workspace, batch)).rejects.toThrow(failure('PASSPHRASE', 'wrong'))
    expect(asked).toBe(1)
  })
})

describe('issueClient after a revocation', () => {
  it('takes the place of what was revoked, whose files move beside', async () => {
    const old = await ca.issue('alice')
    ca.workspace
      .ledger()
      .transaction((_insert, changes) => changes.revoke(ca.record(old.serial), { at: 1, reason: 'superseded' }))
    const { serial, created } = await ca.issue('alice')
    expect(created).toBe(true)
    const archive = `${old.directory}~${old.serial.slice(0, 12)}`
    expect(ca.workspace.ledger().listBySerial(old.serial)[0]?.directory).toBe(archive)
    expect(certificateAt(old.files.certificate).serialNumber.toLowerCase()).toBe(serial)
    expect(ca.warnings).toEqual([`the files of the revoked certificate of alice@localhost are now in ${archive}`])
  })
})
