import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { type AuditEntry, chainEntry } from '../../../src/store/audit.ts'
import { readAuthority } from '../../../src/workspace/base/authority.ts'
import { openWorkspace, type Workspace } from '../../../src/workspace/base/workspace.ts'
import { readAuditTrail } from '../../../src/workspace/ca/audit-trail.ts'
import { initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import { revokeIssuing } from '../../../src/workspace/ca/revoke-issuing.ts'
import { revokeClients } from '../../../src/workspace/clients/revoke-clients.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { CaFolder, openssl } from '../support.ts'

let ca: CaFolder
let workspace: Workspace
beforeEach(async () => {
  ca = await new CaFolder().init()
  workspace = ca.workspace
})
afterEach(() => {
  workspace.close()
  ca.remove()
})

const source = () => workspace.issuerSource(() => Promise.reject(new Error('nobody should ask')))
const makeIssuing = (commonName: string) =>
  initIssuing(workspace, {
    ...{ commonName, algorithm: keyAlgorithm('ec:p256'), days: 3000, issuer: source() },
    ...{ passphrase: async () => undefined, ifMissing: false, replace: true },
  })
const revoke = (serial: string) =>
  revokeClients(workspace, { target: { serial }, reason: 'keyCompromise', crlDays: 30, issuer: source() })

/** Everything as the version before would have written it: no row and no entry says which CA it is from. */
function forget(work: (database: InstanceType<typeof DatabaseSync>) => void = () => undefined): void {
  workspace.close()
  const database = new DatabaseSync(ca.workspace.paths.ledger)
  const triggers = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").all() as { sql: string }[]
  const entries = database.prepare('SELECT entry FROM audit ORDER BY number').all() as { entry: string }[]
  database.exec(`UPDATE issued SET authority = ''; UPDATE login SET authority = ''; UPDATE crl_number SET authority = '';
    DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DELETE FROM audit`)
  let head = { number: 0, hash: '0'.repeat(64) }
  for (const { entry } of entries) {
    const { number: _number, previous: _previous, issuerId: _issuerId, ...event } = JSON.parse(entry) as AuditEntry
    const stored = chainEntry(event, head)
    database.prepare('INSERT INTO audit VALUES (?, ?, ?)').run(stored.number, stored.text, stored.hash)
    head = stored
  }
  for (const { sql } of triggers) database.exec(sql)
  work(database)
  database.close()
}

function reopen(): void {
  workspace.close()
  workspace = openWorkspace(ca.home)
}

const signersOf = () =>
  workspace
    .ledger()
    .list()
    .map(({ name, authority }) => [name, authority] as const)

describe('a workspace of the version before', () => {
  it('says of every certificate which CA it is from: the root, one in use, a successor, one that was revoked', async () => {
    await ca.issue('alice')
    await makeIssuing('First')
    await ca.issue('bob')
    await makeIssuing('Second')
    await ca.issue('carol')
    const lost = await revokeIssuing(workspace, {
      serial: undefined,
      reason: 'cACompromise',
      crlDays: 30,
      issuer: source(),
    })
    await ca.issue('dave')
    const expected = signersOf()
    const ids = new Set(expected.map(([, id]) => id))
    expect([ids.size, ids.has('')]).toEqual([3, false])
    forget()
    reopen()
    expect(signersOf()).toEqual(expected)
    expect(lost.users).toEqual(['carol@localhost'])
  })

  it('keeps what it knew: revocations, numbers of CRLs, logins, the log', async () => {
    const [alice, bob] = [await ca.issue('alice'), await ca.issue('bob')]
    workspace.ledger().recordLogins([{ certificate: ca.record(bob.serial), at: 7_000 }])
    await revoke(alice.serial)
    const { head, entries } = readAuditTrail(workspace.ledger())
    const logins = workspace.ledger().lastLogins()
    forget()
    reopen()
    const after = readAuditTrail(workspace.ledger())
    expect(after.entries.map(({ event }) => event)).toEqual(entries.map(({ event }) => event))
    expect(after.head.number).toBe(head.number)
    expect(workspace.ledger().lastLogins()).toEqual(logins)
    const { crls } = await revoke(bob.serial)
    expect(crls[0]).toMatchObject({ number: 2, revoked: [{ serial: alice.serial }, { serial: bob.serial }] })
    const [revoked] = readAuditTrail(workspace.ledger(), { serial: bob.serial, events: ['revoked'] }).entries
    expect(revoked?.issuerId).toBe(workspace.root().id)
  })

  it.each([
    ['a certificate taken out', "DELETE FROM issued WHERE name = 'bob@localhost'", 'does not have'],
    ['a revocation taken back', 'UPDATE issued SET revoked_at = NULL', 'as not revoked'],
    [
      'a revocation that nobody made',
      "UPDATE issued SET revoked_at = 1 WHERE name = 'bob@localhost'",
      'who revoked bob',
    ],
    [
      'a revoked one given to another CA',
      "UPDATE issued SET authority = 'ff' WHERE name = 'alice@localhost'",
      'did not sign it for alice@localhost',
    ],
  ])('still shows what was changed: %s', async (_change, sql, found) => {
    const [alice] = [await ca.issue('alice'), await ca.issue('bob')]
    await revoke(alice.serial)
    forget((database) => database.exec(sql))
    reopen()
    expect(() => readAuditTrail(workspace.ledger())).toThrow(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining(found) }),
    )
  })

  it('is read as before while another process writes, and completed by whoever opens it next', async () => {
    const { serial } = await ca.issue('alice')
    await revoke(serial)
    const { id } = workspace.root()
    const alice = { authority: id, issuer: workspace.root().serial, serial }
    forget()
    const busy = new DatabaseSync(ca.workspace.paths.ledger)
    busy.exec('BEGIN IMMEDIATE')
    reopen()
    expect(signersOf().map(([, authority]) => authority)).toEqual(['', ''])
    expect(workspace.ledger().revokedAt(alice)).toBeDefined()
    expect(workspace.ledger().revokedAt({ ...alice, authority: 'partner', issuer: 'partner' })).toBeUndefined()
    expect(readAuditTrail(workspace.ledger()).entries.at(-1)?.event).toBe('crl-published')
    busy.exec('ROLLBACK')
    busy.close()
    reopen()
    expect(signersOf().map(([, authority]) => authority)).toEqual([id, id])
  })

  it('goes by the certificate of a CA that was made anew for the same name and key', async () => {
    const { serial } = await ca.issue('alice')
    const { paths } = workspace
    const subject = ['-subj', '/CN=Test CA', '-days', '99']
    const made = openssl('req', '-x509', '-new', '-key', paths.rootKey, ...subject)
    forget()
    writeFileSync(paths.rootCertificate, made)
    reopen()
    const { id } = workspace.root()
    expect(workspace.root().serial).not.toBe(workspace.ledger().listBySerial(serial)[0]?.issuer)
    expect(signersOf()).toContainEqual(['alice@localhost', id])
    const { crls } = await revoke(serial)
    expect(crls).toMatchObject([{ number: 1, revoked: [{ serial }] }])
  })

  it('is opened when the certificate of a CA is not there, or is something else', async () => {
    await makeIssuing('First')
    const { serial } = await ca.issue('alice')
    forget()
    const file = ca.path('home/ca/issuing/issuing.crt')
    renameSync(file, `${file}.away`)
    writeFileSync(file, 'something else')
    reopen()
    const issuer = readAuthority(ca.workspace.paths.ca, 'root')?.id
    expect(signersOf()).toEqual([
      ['Test CA', issuer],
      ['First', issuer],
      ['alice@localhost', ''],
    ])
    rmSync(file)
    renameSync(`${file}.away`, file)
    reopen()
    expect(workspace.ledger().listBySerial(serial)[0]?.authority).toBe(workspace.authority().id)
    expect(readFileSync(file, 'utf8')).toContain('CERTIFICATE')
  })
})
