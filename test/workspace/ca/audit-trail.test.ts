import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuditEntry, chainEntry } from '../../../src/store/audit.ts'
import type { IssuedRecord } from '../../../src/store/ledger.ts'
import { aboutRecord } from '../../../src/workspace/base/audit-events.ts'
import { openWorkspace } from '../../../src/workspace/base/workspace.ts'
import { parseSince, readAuditTrail } from '../../../src/workspace/ca/audit-trail.ts'
import { exportClient } from '../../../src/workspace/clients/export-client.ts'
import { renewClient } from '../../../src/workspace/clients/renew-client.ts'
import { revokeClients } from '../../../src/workspace/clients/revoke-clients.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { CaFolder } from '../support.ts'

type Database = InstanceType<typeof DatabaseSync>

const alice = { jid: parseJid('alice@localhost'), device: '' }

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const read = () => readAuditTrail(ca.workspace.ledger())
const corrupt = (text: string) =>
  expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining(text), exitCode: 6 })

/** What somebody with the file can do. */
function tamper(work: (database: Database) => void): void {
  ca.workspace.close()
  const database = new DatabaseSync(ca.workspace.paths.ledger)
  database.exec('DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete')
  work(database)
  database.close()
}

/** An event as if it had been chained on properly. */
function forge(database: Database, event: AuditEntry['event'], serial: string): void {
  const last = database.prepare('SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1').get()
  const { number, text, hash } = chainEntry({ at: 1, event, serial }, last as { number: number; hash: string })
  database.prepare('INSERT INTO audit VALUES (?, ?, ?)').run(number, text, hash)
}

describe('the audit log of a workspace', () => {
  it('tells what was done, by whom, without a secret', async () => {
    const { serial } = await ca.issue('alice', { p12Password: 'hush-hush' })
    const renewed = await renewClient(ca.workspace, {
      ...alice,
      days: 500,
      rekey: false,
      p12Format: 'modern',
      p12Password: 'hush-hush',
      revokeOld: true,
      issuer: ca.issuer,
    })
    const out = ca.path('alice.p12')
    await exportClient(ca.workspace, { ...alice, format: 'p12', out, p12Password: 'hush-hush', p12Format: 'modern' })
    const target = { serial: renewed.serial }
    await revokeClients(ca.workspace, { target, reason: 'keyCompromise', crlDays: 30, issuer: ca.issuer })
    const { entries, head } = read()
    const name = 'alice@localhost'
    expect(entries).toMatchObject([
      { event: 'log-started' },
      { event: 'ca-created', name: 'Test CA', details: { kind: 'root' } },
      { event: 'issued', name, serial },
      { event: 'renewed', name, serial: renewed.serial, details: { replaces: serial } },
      { event: 'revoked', name, serial, reason: 'superseded' },
      { event: 'exported', name, serial: renewed.serial, details: { format: 'p12', file: out } },
      { event: 'revoked', name, serial: renewed.serial, reason: 'keyCompromise' },
      { event: 'crl-published', details: { number: 1, entries: 2 } },
    ])
    expect(entries.slice(1).map(({ actor }) => actor?.pid)).toEqual(Array(7).fill(process.pid))
    expect(entries[1]?.actor).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(head).toEqual({ number: 8, hash: entries.at(-1)?.hash })
    expect(JSON.stringify(entries)).not.toContain('hush-hush')
  })

  it('has one revocation for each certificate, however often it is asked for', async () => {
    const { serial } = await ca.issue('alice')
    const request = { target: { serial }, reason: 'superseded', crlDays: 30, issuer: ca.issuer } as const
    for (let run = 1; run <= 2; run++) await revokeClients(ca.workspace, request)
    expect(read().entries.filter(({ event }) => event === 'revoked')).toHaveLength(1)
  })

  it('has no entry for what failed', async () => {
    await ca.issue('alice')
    const before = read().head
    await expect(ca.issue('alice')).rejects.toThrow()
    const failing = { ...alice, format: 'chain', out: ca.path('no/such/folder/x'), p12Format: 'modern' } as const
    await expect(exportClient(ca.workspace, failing)).rejects.toThrow()
    expect(read().head).toEqual(before)
  })

  it('is one chain when several processes write', async () => {
    const other = openWorkspace(ca.home)
    await ca.issue('alice')
    other.ledger().transaction((_insert, changes) => changes.audit({ at: 1, event: 'exported' }))
    await ca.issue('bob')
    expect(
      read()
        .entries.map(({ event }) => event)
        .slice(2),
    ).toEqual(['issued', 'exported', 'issued'])
    other.close()
  })

  it('can be filtered', async () => {
    const { serial } = await ca.issue('alice')
    await ca.issue('bob')
    const ledger = ca.workspace.ledger()
    const numbers = (filter: Parameters<typeof readAuditTrail>[1]) =>
      readAuditTrail(ledger, filter).entries.map(({ number }) => number)
    expect(numbers({ name: 'bob@localhost' })).toEqual([4])
    expect(numbers({ serial })).toEqual([3])
    expect(numbers({ events: ['issued', 'ca-created'] })).toEqual([2, 3, 4])
    expect(numbers({ since: new Date(Date.now() + 1_000) })).toEqual([])
  })
})

describe('what somebody with the file changes', () => {
  beforeEach(async () => {
    await ca.issue('alice')
    await ca.issue('bob')
    await ca.issue('carol')
    expect(read().head.number).toBe(5)
  })

  it.each<[change: string, sql: string, found: string]>([
    ['a changed text', "UPDATE audit SET entry = replace(entry, 'bob', 'eve') WHERE number = 4", 'entry 4 was changed'],
    ['a changed hash', "UPDATE audit SET hash = 'ff' || substr(hash, 3) WHERE number = 3", 'entry 3 was changed'],
    ['a removed entry', 'DELETE FROM audit WHERE number = 3', 'entry 3 is missing'],
    ['the first one removed', 'DELETE FROM audit WHERE number = 1', 'entry 1 is missing'],
    ['all of them removed', 'DELETE FROM audit', 'entry 1 is missing'],
    ['a cut end', 'DELETE FROM audit WHERE number = 5', 'the log does not tell who issued carol@localhost'],
    [
      'two that changed places',
      'UPDATE audit SET number = -number; UPDATE audit SET number = CASE number WHEN -3 THEN 4 WHEN -4 THEN 3 ELSE -number END',
      'entry 3 is missing',
    ],
    [
      'a copied entry',
      'INSERT INTO audit SELECT 6, entry, hash FROM audit WHERE number = 3',
      'entry 6 does not follow',
    ],
    ['a certificate taken out', "DELETE FROM issued WHERE name = 'bob@localhost'", 'entry 4 of the log tells of a'],
    ['a revocation', "UPDATE issued SET revoked_at = 1 WHERE name = 'bob@localhost'", 'who revoked bob@localhost'],
    [
      'a certificate put in',
      `INSERT INTO issued SELECT 99, 'ff', kind, 'eve@localhost', device, domains, fingerprint, not_before, not_after,
         issued_at + 9999, directory, NULL, NULL, issuer, authority FROM issued WHERE name = 'bob@localhost'`,
      'the log does not tell who issued eve@localhost, serial ff',
    ],
    ...[
      "UPDATE issued SET authority = 'ff'",
      "UPDATE issued SET authority = 'ff', issuer = 'ff'",
      "UPDATE issued SET authority = '', issuer = ''",
    ].map((change): [string, string, string] => [
      `who signed a certificate: ${change}`,
      `${change} WHERE name = 'bob@localhost'`,
      'names a CA that did not sign it for bob@localhost',
    ]),
  ])('%s', (_change, sql, found) => {
    tamper((database) => database.exec(sql))
    expect(read).toThrow(corrupt(found))
  })

  it('an entry that is chained on, about a certificate that is not there', () => {
    tamper((database) => forge(database, 'issued', 'ff'))
    expect(read).toThrow(corrupt('entry 6 of the log tells of a certificate that the ledger does not have: ff'))
  })

  it('a revocation that is taken back', async () => {
    const { serial } = await ca.issue('dave')
    await revokeClients(ca.workspace, { target: { serial }, reason: 'superseded', crlDays: 30, issuer: ca.issuer })
    tamper((database) => database.exec('UPDATE issued SET revoked_at = NULL, revocation_reason = NULL'))
    expect(read).toThrow(corrupt(`entry 7 of the log revokes a certificate that the ledger has as not revoked`))
  })

  it('the whole log written anew: only a head that was noted elsewhere tells', () => {
    const noted = read().head.hash
    ca.workspace.ledger().transaction((_insert, changes) => changes.audit({ at: 1, event: 'exported' }))
    expect(readAuditTrail(ca.workspace.ledger(), {}, noted).head.number).toBe(6)
    tamper((database) => {
      const rows = database.prepare('SELECT entry FROM audit ORDER BY number').all() as { entry: string }[]
      let head = { number: 0, hash: '0'.repeat(64) }
      database.exec('DELETE FROM audit')
      for (const { entry } of rows) {
        const { number: _number, previous: _previous, ...event } = JSON.parse(entry) as AuditEntry
        const stored = chainEntry({ ...event, at: event.at + 1 }, head)
        database.prepare('INSERT INTO audit VALUES (?, ?, ?)').run(stored.number, stored.text, stored.hash)
        head = stored
      }
    })
    expect(read().head.number).toBe(6)
    expect(() => readAuditTrail(ca.workspace.ledger(), {}, noted)).toThrow(corrupt(noted))
  })
})

describe('a serial number that two CAs have given', () => {
  const OTHER_ROOT = { authority: 'fa'.repeat(32), issuer: '01' }

  /** Another CA with a certificate of bob's number, both in ledger and log. */
  async function twin(): Promise<IssuedRecord> {
    const bob = ca.record((await ca.issue('bob')).serial)
    const ledger = ca.workspace.ledger()
    const [root] = ledger.list('root')
    if (root === undefined) throw new Error('there is no root')
    const other = { ...bob, ...OTHER_ROOT, name: 'eve@localhost' }
    ledger.transaction((insert, changes) => {
      for (const record of [{ ...root, ...OTHER_ROOT, serial: '01', name: 'Other' }, other]) {
        insert(record)
        changes.audit({ at: 1, event: 'issued', ...aboutRecord(record) })
      }
    })
    return other
  }

  it('is told apart by the CA', async () => {
    const other = await twin()
    expect(read().head.number).toBe(5)
    const found = (issuerId: string) => {
      const { entries } = readAuditTrail(ca.workspace.ledger(), { serial: other.serial, issuerId })
      return entries.map(({ event, name }) => `${event} ${name}`)
    }
    expect(found('fafa')).toEqual(['issued eve@localhost'])
    expect(found(ca.workspace.root().id)).toEqual(['issued bob@localhost'])
  })

  it.each([
    ['revoked', 'UPDATE issued SET revoked_at = 1 WHERE name =', 'who revoked eve@localhost'],
    ['taken out', 'DELETE FROM issued WHERE name =', 'does not have'],
  ])('shows which of the two was %s', async (_change, sql, found) => {
    await twin()
    tamper((database) => database.exec(`${sql} 'eve@localhost'`))
    expect(read).toThrow(corrupt(found))
  })
})

describe('parseSince', () => {
  const now = new Date('2030-01-31T12:00:00Z')
  it.each([
    ['30d', '2030-01-01T12:00:00.000Z'],
    ['12h', '2030-01-31T00:00:00.000Z'],
    ['2029-05-06', '2029-05-06T00:00:00.000Z'],
    ['2029-05-06T07:08:09+02:00', '2029-05-06T05:08:09.000Z'],
  ])('%s', (text, expected) => {
    expect(parseSince(text, now).toISOString()).toBe(expected)
  })

  it.each(['', '25%', 'yesterday', '2030-13-01', '30', '0d'])('refuses %j', (text) => {
    expect(() => parseSince(text, now)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})
