import { X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { readCrl } from '../../../src/pki/revocation/crl-facts.ts'
import { type IssuingRequest, initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import { revokeIssuing } from '../../../src/workspace/ca/revoke-issuing.ts'
import { exportClient } from '../../../src/workspace/clients/export-client.ts'
import { renewClient } from '../../../src/workspace/clients/renew-client.ts'
import { revokeClients } from '../../../src/workspace/clients/revoke-clients.ts'
import { issueServer } from '../../../src/workspace/servers/issue-server.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const algorithm = keyAlgorithm('ec:p256')
const nobody = () => Promise.reject(new Error('nobody should ask'))
const issuer = () => ca.workspace.issuerSource(nobody)
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })

const init = (given: Partial<IssuingRequest> = {}) =>
  initIssuing(ca.workspace, {
    commonName: 'Test issuing CA',
    algorithm,
    days: 1825,
    issuer: issuer(),
    passphrase: async () => undefined,
    ifMissing: false,
    replace: false,
    ...given,
  })
const issue = (name: string) => ca.issue(name, { issuer: issuer() })
const alice = { jid: parseJid('alice@localhost'), device: '' }
const renewal = { ...alice, days: 400, rekey: false, p12Format: 'modern', revokeOld: false } as const
const revoke = (serial: string) =>
  revokeClients(ca.workspace, { target: { serial }, reason: 'keyCompromise', crlDays: 7, issuer: issuer() })
const paths = () => ca.workspace.paths
const issuingCertificate = () => join(paths().issuing, 'issuing.crt')
const verify = (...args: string[]) =>
  openssl('verify', '-x509_strict', '-CAfile', paths().rootCertificate, '-untrusted', issuingCertificate(), ...args)

describe('initIssuing', () => {
  it('makes a CA with path length 0 that openssl accepts below the root, and keeps its key to its owner', async () => {
    const { created, files, rootKey } = await init()
    expect({ created, rootKey }).toEqual({ created: true, rootKey: paths().rootKey })
    expect(openssl('verify', '-x509_strict', '-CAfile', paths().rootCertificate, files.certificate)).toContain('OK')
    expect(openssl('x509', '-in', files.certificate, '-noout', '-text')).toContain('CA:TRUE, pathlen:0')
    expect(statSync(files.key).mode & 0o777).toBe(0o600)
  })

  it('signs what is issued from then on; the key of the root is not needed', async () => {
    const before = await issue('bob')
    await init()
    renameSync(paths().rootKey, ca.path('root.key.away'))
    const { files, serial } = await issue('alice')
    const server = await issueServer(ca.workspace, {
      ...{ domains: ['localhost'], days: 90, algorithm, ifMissing: false, issuer: issuer() },
    })
    expect(verify(files.certificate, server.files.certificate)).toMatch(/OK\n.*OK/)
    expect(openssl('verify', '-CAfile', paths().rootCertificate, before.files.certificate)).toContain('OK')
    const ledger = ca.workspace.ledger()
    expect(ledger.listBySerial(serial)[0]?.issuer).toBe(ca.workspace.authority().serial)
    expect(ledger.listBySerial(before.serial)[0]?.issuer).toBe(ca.workspace.root().serial)
    const { files: own } = ca.workspace.authority()
    expect(readFileSync(server.files.chain, 'utf8').split('-----BEGIN CERTIFICATE-----')).toHaveLength(4)
    expect(own.certificate).toBe(issuingCertificate())
  })

  it('is in bundles and exported chains, each with the CA that signed it', async () => {
    await issue('alice')
    await init()
    await issue('bob')
    const chainOf = async (name: string) => {
      const out = ca.path(`${name}.chain`)
      await exportClient(ca.workspace, {
        ...{ jid: parseJid(`${name}@localhost`), device: '', format: 'chain', out, p12Format: 'modern' },
      })
      return readFileSync(out, 'utf8')
        .match(/-----BEGIN[\s\S]+?END CERTIFICATE-----/g)
        ?.map((pem) => new X509Certificate(pem).subject)
    }
    expect(await chainOf('alice')).toEqual(['CN=alice', 'CN=Test CA'])
    expect(await chainOf('bob')).toEqual(['CN=bob', 'CN=Test issuing CA', 'CN=Test CA'])
    const bundle = join(paths().clients('localhost'), 'bob')
    const password = `file:${join(bundle, 'bob.p12.password')}`
    const listed = openssl('pkcs12', '-in', join(bundle, 'bob.p12'), '-passin', password, '-nokeys')
    expect(listed.match(/^subject=.*$/gm)).toEqual([
      'subject=CN = bob',
      'subject=CN = Test issuing CA',
      'subject=CN = Test CA',
    ])
  })

  it('renews what the root has issued', async () => {
    await issue('alice')
    await init()
    await renewClient(ca.workspace, { ...renewal, issuer: issuer() })
    expect(verify(join(paths().clients('localhost'), 'alice', 'alice.crt'))).toContain('OK')
  })

  it('has a CRL of its own, beside that of the root (RFC 5280 §5)', async () => {
    const old = await issue('alice')
    await init()
    const young = await issue('bob')
    await revoke(old.serial)
    await revoke(young.serial)
    const [root, issuing] = ca.workspace.authorities().map(({ files }) => files.crl)
    const serials = (file = '') => readCrl(readFileSync(file, 'utf8'), file).entries.map(({ serial }) => serial)
    expect([serials(root), serials(issuing)]).toEqual([[old.serial], [young.serial]])
    const lists = ['-crl_check_all', '-CRLfile', root ?? '', '-CRLfile', issuing ?? '']
    expect(verify(...lists, (await issue('carol')).files.certificate)).toContain('OK')
    expect(() => verify(...lists, young.files.certificate)).toThrow('certificate revoked')
  })

  it('revokes what the root has issued while its key is away, and says which list is behind', async () => {
    const { serial } = await issue('alice')
    await init()
    renameSync(paths().rootKey, ca.path('root.key.away'))
    const { crls, unsigned } = await revoke(serial)
    expect(crls).toEqual([])
    expect(unsigned).toMatchObject([{ authority: { files: { crl: paths().crl } }, reason: undefined }])
    expect(ca.workspace.ledger().listBySerial(serial)[0]?.revocationReason).toBe('keyCompromise')
  })

  it('is made once; --if-missing accepts it', async () => {
    const { serial } = await init()
    await expect(init()).rejects.toThrow(failure('EXISTS', 'already an issuing CA'))
    expect(await init({ ifMissing: true })).toMatchObject({ created: false, serial })
  })

  it('gets a successor; the old one still signs its CRL, and is trusted', async () => {
    const first = await init()
    const { serial, files } = await issue('alice')
    const second = await init({ commonName: 'Test issuing CA 2', replace: true })
    expect(second.previous).toEqual({
      serial: first.serial,
      directory: `${paths().issuing}~${first.serial.slice(0, 12)}`,
    })
    expect(ca.workspace.authorities().map((authority) => authority.serial)).toEqual([
      ca.workspace.root().serial,
      second.serial,
      first.serial,
    ])
    const { crls } = await revoke(serial)
    expect(crls.map(({ file }) => file)).toEqual([join(`${second.previous?.directory}`, 'issuing.crl')])
    expect((await issue('bob')).serial).not.toBe(serial)
    const oldCertificate = join(`${second.previous?.directory}`, 'issuing.crt')
    const chain = ['verify', '-CAfile', paths().rootCertificate, '-untrusted', oldCertificate]
    expect(openssl(...chain, files.certificate)).toContain('OK')
  })

  it.each([
    ['a key of the root that is away', 'NOT_FOUND', 'root.key', {}, true],
    ['outliving the root', 'BAD_INPUT', 'after the CA certificate ends', { days: 3_651 }, false],
    ['a name without a character', 'BAD_NAME', 'common name', { commonName: ' ' }, false],
  ])('refuses %s, and writes nothing', async (_case, code, text, given, away) => {
    if (away) renameSync(paths().rootKey, ca.path('root.key.away'))
    await expect(init(given)).rejects.toThrow(failure(code, text))
    expect(readdirSync(paths().ca)).not.toContain('issuing')
    expect(ca.workspace.ledger().list('issuing')).toEqual([])
  })

  describe('that is revoked', () => {
    const revokeIt = (serial?: string) =>
      revokeIssuing(ca.workspace, { serial, reason: 'cACompromise', crlDays: 7, issuer: issuer() })

    it('is on the CRL of the root; openssl refuses what it has issued', async () => {
      await init()
      const [{ files }, { serial }] = [await issue('alice'), await issue('bob')]
      await revoke(serial)
      const { users, crl } = await revokeIt()
      expect(users).toEqual(['alice@localhost'])
      expect(crl?.file).toBe(paths().crl)
      const lists = ['-CRLfile', paths().crl, '-CRLfile', join(paths().issuing, 'issuing.crl')]
      expect(() => verify('-crl_check_all', ...lists, files.certificate)).toThrow(
        /at 1 depth lookup: certificate revoked/,
      )
    })

    it('is trusted and used no longer: the root issues, until there is another one', async () => {
      const { serial } = await init()
      await issue('alice')
      await revokeIt()
      expect(ca.workspace.authorities().map(({ kind }) => kind)).toEqual(['root'])
      expect(ca.workspace.authority().kind).toBe('root')
      const second = await init()
      expect(second.previous?.serial).toBe(serial)
      const renewed = await renewClient(ca.workspace, { ...renewal, issuer: issuer() })
      expect(ca.workspace.ledger().listBySerial(renewed.serial)[0]?.issuer).toBe(second.serial)
    })

    it('keeps the first date and reason', async () => {
      const { serial } = await init()
      const first = await revokeIt(serial)
      const again = await revokeIssuing(ca.workspace, {
        ...{ serial, reason: 'superseded', crlDays: 7, issuer: issuer(), now: new Date(Date.now() + 5_000) },
      })
      expect([again.reason, again.revokedAt]).toEqual(['cACompromise', first.revokedAt])
    })

    it('cannot be without the key of the root, or when there is none', async () => {
      await expect(revokeIt()).rejects.toThrow(failure('NOT_FOUND', 'there is no issuing CA'))
      const { serial } = await init()
      await expect(revokeIt('1234')).rejects.toThrow(failure('NOT_FOUND', '1234'))
      renameSync(paths().rootKey, ca.path('away'))
      await expect(revokeIt()).rejects.toThrow(failure('NOT_FOUND', 'root.key'))
      expect(ca.workspace.ledger().listBySerial(serial)[0]?.revokedAt).toBeUndefined()
    })
  })

  it('of several processes one makes it', async () => {
    const made = await Promise.allSettled([init(), init({ commonName: 'Other' }), init({ commonName: 'Third' })])
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(ca.workspace.ledger().list('issuing')).toHaveLength(1)
  })

  it('keeps to the domains of the root (RFC 5280 §6.1.4)', async () => {
    mkdirSync(ca.path('limited'))
    const { initCa } = await import('../../../src/workspace/ca/init-ca.ts')
    const { openWorkspace } = await import('../../../src/workspace/base/workspace.ts')
    const workspace = openWorkspace(ca.path('limited'))
    await initCa(workspace, {
      ...{ commonName: 'Limited', algorithm, days: 3650, permitDomains: ['example.org'], domain: 'example.org' },
      ...{ passphrase: async () => undefined, ifMissing: false },
    })
    const source = workspace.issuerSource(nobody)
    await initIssuing(workspace, {
      ...{ commonName: 'Below', algorithm, days: 100, issuer: source, passphrase: async () => undefined },
      ...{ ifMissing: false, replace: false },
    })
    expect((await source()).permittedDomains).toEqual(['example.org'])
    workspace.close()
  })
})
