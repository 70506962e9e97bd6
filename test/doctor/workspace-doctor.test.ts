import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { examineWorkspace } from '../../src/doctor/workspace-doctor.ts'
import { keyAlgorithm } from '../../src/pki/keys/algorithms.ts'
import { SqliteAccounts } from '../../src/store/sqlite/accounts.ts'
import { LEDGER_WORDS } from '../../src/store/sqlite/driver.ts'
import { SqliteRevocations } from '../../src/store/sqlite/revocations.ts'
import { snapshotDatabase } from '../../src/store/sqlite/snapshot.ts'
import { signerId } from '../../src/workspace/base/authority.ts'
import { openWorkspace } from '../../src/workspace/base/workspace.ts'
import { initIssuing } from '../../src/workspace/ca/init-issuing.ts'
import { makeOcspSigner } from '../../src/workspace/ca/ocsp-signer.ts'
import { publishCrls } from '../../src/workspace/ca/publish-crl.ts'
import { revokeClients } from '../../src/workspace/clients/revoke-clients.ts'
import { issueServer } from '../../src/workspace/servers/issue-server.ts'
import { CaFolder, openssl } from '../workspace/support.ts'

const DAY_MS = 86_400_000
const algorithm = keyAlgorithm('ec:p256')

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
  await issueServer(ca.workspace, { domains: ['localhost'], days: 397, algorithm, ifMissing: false, issuer: ca.issuer })
})
afterEach(() => ca.remove())

const source = () => ca.workspace.issuerSource(() => Promise.reject(new Error('nobody should ask')))

/** What is not well, as `check: state: text`; hints by the way. */
async function complaints(now = new Date()) {
  const findings = await examineWorkspace(ca.workspace, { domain: 'localhost', now })
  return (
    findings
      // What else runs on this machine is not known.
      .filter(({ check }) => check !== 'ports')
      .filter(({ state }) => state === 'warning' || state === 'failed')
      .map(({ check, state, text, hint }) => ({ said: `${check}: ${state}: ${text}`, hint }))
  )
}

const said = async (now?: Date) => (await complaints(now)).map((complaint) => complaint.said)

async function revokeBob(): Promise<void> {
  const { serial } = await ca.issue('bob')
  await revokeClients(ca.workspace, { target: { serial }, reason: 'keyCompromise', crlDays: 7, issuer: source() })
}

describe('examineWorkspace', () => {
  it('has nothing to complain about a sound workspace, and looks at everything', async () => {
    await revokeBob()
    writeFileSync(join(ca.home, 'xmppki.toml'), '[[listen.c2s]]\nport = 0\n', { mode: 0o600 })
    const findings = await examineWorkspace(ca.workspace, { domain: 'localhost', now: new Date() })
    expect(findings.filter(({ state }) => state === 'warning' || state === 'failed')).toEqual([])
    expect(findings.map(({ check }) => check)).toEqual([
      'root CA',
      'key of the root CA',
      'CRL of the root CA',
      'server certificate of localhost',
      'ledger',
      'audit log',
      'configuration',
      'ports',
      'permissions',
      'disk',
      'DNS',
    ])
  })

  it('sees that the CA ends soon, or has ended, with all that it issued', async () => {
    expect(await said(new Date(Date.now() + 3600 * DAY_MS))).toContainEqual(
      expect.stringMatching(/^root CA: warning: CN=Test CA ends in 49 days|^root CA: warning: /),
    )
    const later = await said(new Date(Date.now() + 3700 * DAY_MS))
    expect(later).toContainEqual(expect.stringMatching(/^root CA: failed: CN=Test CA expired on /))
    expect(later).toContainEqual(expect.stringMatching(/^server certificate of localhost: failed: expired on /))
  })

  it('sees that the clock is slow', async () => {
    const [first] = await complaints(new Date(Date.now() - 2 * DAY_MS))
    expect(first).toEqual({
      said: expect.stringMatching(/^root CA: failed: it is valid from .*, and this machine says it is /),
      hint: 'set the clock of this machine',
    })
  })

  it('sees that the key of the CA is missing', async () => {
    rmSync(ca.workspace.paths.rootKey)
    expect(await said()).toEqual([expect.stringMatching(/^key of the root CA: failed: .* is missing: nothing can be/)])
  })

  it('sees that the key of the CA is another one', async () => {
    writeFileSync(ca.workspace.paths.rootKey, openssl('genpkey', '-algorithm', 'ed25519'))
    expect(await said()).toEqual([expect.stringMatching(/^key of the root CA: failed: .* does not belong to /)])
  })

  it('sees that a CRL is stale, or lacks what is revoked, or is gone', async () => {
    await publishCrls(
      ca.workspace,
      { of: [signerId(ca.workspace.root())], issuer: source(), days: 7, now: new Date() },
      () => 0,
    )
    const old = ca.path('old.crl')
    copyFileSync(ca.workspace.paths.crl, old)
    expect(await said(new Date(Date.now() + 8 * DAY_MS))).toEqual([
      expect.stringMatching(/^CRL of the root CA: failed: .* is stale since /),
    ])
    await revokeBob()
    copyFileSync(old, ca.workspace.paths.crl)
    expect(await complaints()).toEqual([
      { said: expect.stringMatching(/: failed: 1 revoked certificates are not in /), hint: 'xmppki ca crl' },
    ])
    rmSync(ca.workspace.paths.crl)
    expect(await said()).toEqual([expect.stringMatching(/failed: 1 certificates are revoked and .* is missing$/)])
  })

  it('sees that key and certificate of the server are no pair, or one is missing', async () => {
    const key = join(ca.workspace.paths.server('localhost'), 'server.key')
    writeFileSync(key, openssl('genpkey', '-algorithm', 'ed25519'))
    expect(await said()).toEqual([
      expect.stringMatching(/^server certificate of localhost: failed: the key in .* fit$/),
    ])
    rmSync(key)
    expect(await said()).toEqual([expect.stringMatching(/^server certificate of localhost: failed: .* is missing$/)])
  })

  it('looks at an issuing CA and at OCSP signers, where they are', async () => {
    await initIssuing(ca.workspace, {
      ...{ commonName: 'Issuing', algorithm, days: 1825, issuer: source() },
      ...{ passphrase: async () => undefined, ifMissing: false, replace: false },
    })
    const authority = ca.workspace.authority()
    await makeOcspSigner(ca.workspace, { authority, issuer: await source()(), now: new Date() })
    rmSync(ca.workspace.paths.rootKey)
    const findings = await examineWorkspace(ca.workspace, { domain: 'localhost', now: new Date() })
    const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]))
    expect(states).toMatchObject({
      // The root may be kept elsewhere then.
      'key of the root CA': 'note',
      'issuing CA': 'ok',
      'key of the issuing CA': 'ok',
      'OCSP signer of the issuing CA': 'ok',
    })
    expect(await said(new Date(Date.now() + 40 * DAY_MS))).toContainEqual(
      expect.stringMatching(/^OCSP signer of the issuing CA: warning: expired on /),
    )
  })

  it('sees who else can read what, and says how to change it', async () => {
    const { paths } = ca.workspace
    chmodSync(paths.rootKey, 0o644)
    chmodSync(paths.ca, 0o755)
    expect(await complaints()).toEqual([
      { said: `permissions: failed: ${paths.rootKey} can be read by others`, hint: `chmod 600 '${paths.rootKey}'` },
      { said: `permissions: warning: others can look into ${paths.ca}`, hint: `chmod 700 '${paths.ca}'` },
    ])
  })

  it('counts what there is much of, and does not follow links', async () => {
    for (let n = 0; n < 8; n += 1) mkdirSync(join(ca.home, `folder${n}`), { mode: 0o755 })
    symlinkSync('/', join(ca.home, 'elsewhere'))
    const found = await said()
    expect(found).toHaveLength(6)
    expect(found.at(-1)).toBe('permissions: warning: and 3 more like these')
  })

  it('sees what is wrong in the configuration', async () => {
    writeFileSync(join(ca.home, 'xmppki.toml'), '[general]\nhostz = ["a"]\n', { mode: 0o600 })
    expect(await said()).toEqual([expect.stringMatching(/^configuration: failed: .*xmppki\.toml:2: general\.hostz/)])
  })

  it('sees what is wrong with the files of the configuration, as serve would', async () => {
    const file = ca.path('other.toml')
    const secret = ca.path('url')
    writeFileSync(file, `[store]\nurl_file = "${secret}"\n`)
    writeFileSync(secret, 'postgres://xmppki:open sesame@localhost/xmppki', { mode: 0o644 })
    const examined = async () => {
      const given = { domain: 'localhost', now: new Date(), configuration: { file, overrides: [] } }
      const findings = await examineWorkspace(ca.workspace, given)
      return findings.filter(({ check }) => check === 'configuration')
    }
    expect(await examined()).toMatchObject([{ state: 'failed', text: expect.stringContaining('(mode 0644)') }])
    rmSync(secret)
    expect(await examined()).toMatchObject([{ state: 'failed', text: expect.stringContaining('there is no file') }])
  })

  describe('of the accounts', () => {
    const configure = (...lines: string[]) =>
      writeFileSync(join(ca.home, 'xmppki.toml'), `${lines.join('\n')}\n`, { mode: 0o600 })

    it('sees whether they are damaged, and who can read what belongs to them', async () => {
      configure('[auth]', 'methods = ["rdbms", "pki"]')
      expect(await said()).toEqual([])
      const { accounts, revocations } = ca.workspace.paths
      await new SqliteAccounts(accounts).close()
      new SqliteRevocations(revocations).close()
      expect(await said()).toEqual([])
      chmodSync(revocations, 0o644)
      for (const ending of ['', '-wal', '-shm']) rmSync(`${accounts}${ending}`, { force: true })
      writeFileSync(accounts, 'these are no accounts '.repeat(100), { mode: 0o600 })
      expect(await complaints()).toEqual([
        { said: expect.stringMatching(/^accounts: failed: .* is not an SQLite/), hint: 'restore it from a backup' },
        { said: `permissions: failed: ${revocations} can be read by others`, hint: `chmod 600 '${revocations}'` },
      ])
    })

    it('sees that their database is away, and shows no password', async () => {
      configure('[store]', 'url = "postgres://xmppki:sesame@127.0.0.1:1/accounts"')
      const found = await said()
      expect(found).toEqual([expect.stringMatching(/^accounts: failed: the database accounts at .* cannot be reached/)])
      expect(found.join()).not.toContain('sesame')
    })
  })

  it('sees that the ledger is damaged, and still looks at the rest', async () => {
    for (let n = 0; n < 3; n += 1) await ca.issue(`user${n}`)
    const copy = ca.path('copy')
    cpSync(ca.home, copy, { recursive: true, filter: (path) => !/ledger\.db/.test(path) })
    const whole = ca.path('whole.db')
    snapshotDatabase(ca.workspace.paths.ledger, whole, LEDGER_WORDS)
    // Not the first page: it holds the schema, and with it gone nothing could be asked at all.
    writeFileSync(join(copy, 'ledger.db'), readFileSync(whole).fill(0xaa, 4096), { mode: 0o600 })
    chmodSync(copy, 0o700)
    const damaged = openWorkspace(copy)
    const findings = await examineWorkspace(damaged, { domain: 'localhost', now: new Date() })
    damaged.close()
    const found = findings.map(({ check, state, text }) => `${check}: ${state}: ${text}`)
    expect(found).toContainEqual(expect.stringMatching(/^ledger: failed: /))
    expect(found).toContainEqual(expect.stringMatching(/^disk: ok: /))
  })

  it.each([
    ['missing', (path: string) => rmSync(path, { force: true })],
    ['empty', (path: string) => writeFileSync(path, '')],
  ])('does not put a new ledger where it is %s', async (what, damage) => {
    const copy = ca.path('copy')
    cpSync(ca.home, copy, { recursive: true, filter: (path) => !/ledger\.db/.test(path) })
    const path = join(copy, 'ledger.db')
    damage(path)
    const damaged = openWorkspace(copy)
    const findings = await examineWorkspace(damaged, { domain: 'localhost', now: new Date() })
    const found = findings.map(({ check, state, text }) => `${check}: ${state}: ${text}`)
    expect(found).toContain(`ledger: failed: the ledger ${path} is ${what}, but there is a CA`)
    expect(found).toContainEqual(expect.stringMatching(/^audit log: failed: /))
    expect(() => damaged.ledger()).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    damaged.close()
  })
})
