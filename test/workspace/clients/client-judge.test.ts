import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import { ClientJudge } from '../../../src/workspace/clients/client-judge.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const alice = { jid: parseJid('alice@localhost'), device: '' }
const refusalOf = (serial: string, now = new Date()) =>
  new ClientJudge(ca.workspace, now).refusalOf(ca.record(serial), alice)

/** Signed by the root with openssl; the ledger has it. */
function enter(serial: string, { newKey, options = [] }: { newKey: readonly string[]; options?: readonly string[] }) {
  const directory = ca.path(serial)
  mkdirSync(directory)
  const file = (ending: string) => `${directory}/alice.${ending}`
  const { rootCertificate, rootKey } = ca.workspace.paths
  writeFileSync(file('cnf'), '[e]\nextendedKeyUsage=clientAuth\n')
  openssl('req', '-new', ...newKey, '-nodes', '-keyout', file('key'), '-subj', '/CN=alice', '-out', file('csr'))
  const by = ['-CA', rootCertificate, '-CAkey', rootKey, '-set_serial', `0x${serial}`, ...options]
  const extensions = ['-extfile', file('cnf'), '-extensions', 'e']
  openssl('x509', '-req', '-in', file('csr'), ...by, ...extensions, '-days', '99', '-out', file('crt'))
  const print = openssl('x509', '-in', file('crt'), '-noout', '-fingerprint', '-sha256')
  const fingerprint = print.trim().replace(/.*=/, '').replaceAll(':', '').toLowerCase()
  const root = ca.workspace.root()
  ca.workspace.ledger().transaction((insert) =>
    insert({
      ...{ kind: 'client', serial, issuer: root.serial, authority: root.id, name: 'alice@localhost', device: '' },
      ...{ domains: [], fingerprint, notBefore: 0, notAfter: Date.UTC(2099, 1), issuedAt: 0, directory },
    }),
  )
}

const KEY_USAGE = 'keyUsage=critical,keyCertSign,cRLSign'
const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

describe('ClientJudge', () => {
  it('has nothing against what the workspace issues', async () => {
    const { serial } = await ca.issue('alice')
    expect(refusalOf(serial)).toBeUndefined()
  })

  it.each([
    ['weak-signature', { newKey: P256, options: ['-sha1'] }],
    ['weak-key', { newKey: ['-newkey', 'rsa:1024'] }],
    ['unsupported-key', { newKey: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'] }],
  ])('says of a row that looks good what serve would say: %s', (check, wish) => {
    enter('77', wish)
    expect(refusalOf('77')).toMatchObject({ check, reason: expect.any(String) })
  })

  it('holds the account against the name constraints of the CA (RFC 5280 §4.2.1.10)', async () => {
    const { workspace } = ca
    const { rootCertificate, rootKey } = workspace.paths
    const { serial } = await ca.issue('alice')
    const constraints = ['-addext', 'nameConstraints=critical,permitted;DNS:example.org', '-addext']
    const subject = ['-subj', '/CN=Test CA', '-set_serial', `0x${workspace.root().serial}`, '-days', '99']
    openssl('req', '-x509', '-new', '-key', rootKey, ...subject, ...constraints, KEY_USAGE, '-out', rootCertificate)
    expect(refusalOf(serial)).toMatchObject({ check: 'name-constraint' })
  })

  it('says that the CA of a certificate is revoked, and not that it is unknown', async () => {
    const issuer = ca.workspace.issuerSource(() => Promise.reject(new Error('nobody should ask')))
    await initIssuing(ca.workspace, {
      ...{ commonName: 'Below', algorithm: keyAlgorithm('ec:p256'), days: 1825, issuer },
      ...{ passphrase: async () => undefined, ifMissing: false, replace: false },
    })
    const { serial } = await ca.issue('alice', { issuer })
    expect(refusalOf(serial)).toBeUndefined()
    const below = ca.record(ca.workspace.authority().serial)
    ca.workspace.ledger().transaction((_insert, changes) => {
      changes.revoke(below, { at: Date.now(), reason: 'cACompromise' })
    })
    expect(refusalOf(serial)).toMatchObject({ check: 'revoked', reason: expect.stringContaining('its CA') })
  })

  it('has nothing to say where the file is gone, or is another', async () => {
    const { serial, files } = await ca.issue('alice')
    writeFileSync(files.certificate, 'something else')
    expect(refusalOf(serial, new Date('2099-01-01'))).toBeUndefined()
    rmSync(files.certificate)
    expect(refusalOf(serial, new Date('2099-01-01'))).toBeUndefined()
  })
})
