import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { type AuditEvent, verifyChain } from '../../src/store/audit.ts'
import type { IssuedRecord, Ledger } from '../../src/store/ledger.ts'

/** A client record that differs from the next one by everything that is given. */
export function issuedRecord(given: Partial<IssuedRecord> & { readonly serial: string }): IssuedRecord {
  return {
    kind: 'client',
    issuer: 'ca',
    name: 'alice@localhost',
    device: '',
    domains: [],
    fingerprint: `fingerprint of ${given.serial}`,
    notBefore: 1_000,
    notAfter: 2_000_000,
    issuedAt: 1_300,
    directory: '/somewhere/alice',
    ...given,
  }
}

/** What every ledger has to do. */
export function describeLedger(name: string, open: () => Ledger): void {
  describe(`${name}: ledger contract`, () => {
    let ledger: Ledger
    beforeEach(() => {
      ledger = open()
    })
    afterEach(() => ledger.close())

    const add = (...records: IssuedRecord[]) => ledger.transaction((insert) => records.forEach(insert))

    it('gives back a record as it was put in', () => {
      const record = issuedRecord({
        serial: '7f'.repeat(16),
        kind: 'server',
        name: 'münchen.example',
        domains: ['münchen.example', 'a.münchen.example'],
        revokedAt: 5_000,
        revocationReason: 'keyCompromise',
      })
      add(record)
      expect(ledger.findBySerial(record.serial)).toStrictEqual(record)
      expect(ledger.list()).toStrictEqual([record])
    })

    it('leaves out what a record does not have', () => {
      add(issuedRecord({ serial: 'a1' }))
      expect(ledger.findBySerial('a1')).toStrictEqual(issuedRecord({ serial: 'a1' }))
    })

    it.each(['', '0', 'A1', 'a1 ', "' OR 1=1 --"])('does not find the serial number %j', (serial) => {
      add(issuedRecord({ serial: 'a1' }))
      expect(ledger.findBySerial(serial)).toBeUndefined()
    })

    it('keeps serial numbers that look like numbers apart (RFC 5280 §4.1.2.2)', () => {
      add(
        issuedRecord({ serial: '1' }),
        issuedRecord({ serial: '01' }),
        issuedRecord({ serial: '1e2' }),
        issuedRecord({ serial: '100' }),
      )
      expect(['1', '01', '1e2', '100'].map((serial) => ledger.findBySerial(serial)?.serial)).toEqual([
        '1',
        '01',
        '1e2',
        '100',
      ])
    })

    it('keeps a long transaction together over its waits', async () => {
      const result = await ledger.longTransaction(async (insert) => {
        insert(issuedRecord({ serial: 'a1' }))
        await new Promise((resolve) => setImmediate(resolve))
        insert(issuedRecord({ serial: 'b2' }))
        return 'done'
      })
      expect(result).toBe('done')
      expect(ledger.list().map(({ serial }) => serial)).toEqual(['a1', 'b2'])
    })

    it('undoes a long transaction that fails, and takes the next one', async () => {
      const failing = ledger.longTransaction(async (insert) => {
        insert(issuedRecord({ serial: 'a1' }))
        await new Promise((resolve) => setImmediate(resolve))
        insert(issuedRecord({ serial: 'a1' }))
      })
      await expect(failing).rejects.toThrow(expect.objectContaining({ code: 'CORRUPT' }))
      expect(ledger.list()).toEqual([])
      add(issuedRecord({ serial: 'b2' }))
      expect(ledger.list()).toHaveLength(1)
    })

    it('finds the newest certificate of a holder that is not revoked', () => {
      add(
        issuedRecord({ serial: 'b2', issuedAt: 20 }),
        issuedRecord({ serial: 'a1', issuedAt: 10 }),
        issuedRecord({ serial: 'c3', issuedAt: 30, revokedAt: 31 }),
        issuedRecord({ serial: 'd4', issuedAt: 40, device: 'phone' }),
        issuedRecord({ serial: 'e5', issuedAt: 50, name: 'bob@localhost' }),
        issuedRecord({ serial: 'f6', issuedAt: 60, kind: 'server' }),
      )
      const alice = { kind: 'client', name: 'alice@localhost' } as const
      expect(ledger.findCurrent({ ...alice, device: '' })?.serial).toBe('b2')
      expect(ledger.findCurrent({ ...alice, device: 'phone' })?.serial).toBe('d4')
      expect(ledger.findCurrent({ ...alice, device: 'tablet' })).toBeUndefined()
    })

    it('takes the later of two that were issued in the same millisecond', () => {
      add(issuedRecord({ serial: 'a1' }), issuedRecord({ serial: 'b2' }))
      expect(ledger.findCurrent(issuedRecord({ serial: '' }))?.serial).toBe('b2')
    })

    it('lists in the order of issue, by kind if wanted', () => {
      add(issuedRecord({ serial: 'b2', issuedAt: 20 }), issuedRecord({ serial: 'a1', issuedAt: 10, kind: 'root' }))
      expect(ledger.list().map(({ serial }) => serial)).toEqual(['a1', 'b2'])
      expect(ledger.list('client').map(({ serial }) => serial)).toEqual(['b2'])
      expect(ledger.list('server')).toEqual([])
    })

    it('sees inside a transaction what was inserted in it', () => {
      const found = ledger.transaction((insert) => {
        insert(issuedRecord({ serial: 'a1' }))
        return ledger.findBySerial('a1')?.serial
      })
      expect(found).toBe('a1')
    })

    it('keeps nothing of a transaction that throws, and passes the error on', () => {
      add(issuedRecord({ serial: 'a1' }))
      const failure = new Error('the rename failed')
      expect(() =>
        ledger.transaction((insert) => {
          insert(issuedRecord({ serial: 'b2' }))
          throw failure
        }),
      ).toThrow(failure)
      expect(ledger.list().map(({ serial }) => serial)).toEqual(['a1'])
      add(issuedRecord({ serial: 'b2' }))
      expect(ledger.list()).toHaveLength(2)
    })

    describe('revoke', () => {
      const revoke = (serial: string, at: number, reason: string) =>
        ledger.transaction((_insert, changes) => changes.revoke(serial, { at, reason }))

      it('notes date and reason, and gives back the record', () => {
        add(issuedRecord({ serial: 'a1' }), issuedRecord({ serial: 'b2' }))
        const revoked = issuedRecord({ serial: 'a1', revokedAt: 5_000, revocationReason: 'keyCompromise' })
        expect(revoke('a1', 5_000, 'keyCompromise')).toStrictEqual(revoked)
        expect(ledger.list()).toStrictEqual([revoked, issuedRecord({ serial: 'b2' })])
      })

      it('lets the first revocation stand', () => {
        add(issuedRecord({ serial: 'a1' }))
        revoke('a1', 5_000, 'keyCompromise')
        expect(revoke('a1', 6_000, 'superseded')).toMatchObject({ revokedAt: 5_000, revocationReason: 'keyCompromise' })
        expect(ledger.findBySerial('a1')).toMatchObject({ revokedAt: 5_000, revocationReason: 'keyCompromise' })
      })

      it('knows no certificate with another serial number', () => {
        add(issuedRecord({ serial: 'a1' }))
        expect(revoke('A1', 5_000, 'keyCompromise')).toBeUndefined()
        expect(ledger.list()).toStrictEqual([issuedRecord({ serial: 'a1' })])
      })

      it('makes the one before current again', () => {
        add(issuedRecord({ serial: 'a1', issuedAt: 10 }), issuedRecord({ serial: 'b2', issuedAt: 20 }))
        revoke('b2', 5_000, 'superseded')
        expect(ledger.findCurrent(issuedRecord({ serial: '' }))?.serial).toBe('a1')
      })
    })

    it('notes that files have moved, of one certificate only', () => {
      add(issuedRecord({ serial: 'a1' }), issuedRecord({ serial: 'b2' }))
      ledger.transaction((_insert, changes) => changes.relocate('a1', '/elsewhere/alice'))
      const moved = issuedRecord({ serial: 'a1', directory: '/elsewhere/alice' })
      expect(ledger.list()).toStrictEqual([moved, issuedRecord({ serial: 'b2' })])
    })

    it('counts CRL numbers upwards from 1 (RFC 5280 §5.2.3)', () => {
      const next = () => ledger.transaction((_insert, changes) => changes.nextCrlNumber('ca', 0))
      expect([next(), next(), next()]).toEqual([1, 2, 3])
    })

    it('counts the CRLs of every CA by themselves', () => {
      const next = (issuer: string) => ledger.transaction((_insert, changes) => changes.nextCrlNumber(issuer, 0))
      expect([next('ca'), next('ca'), next('other'), next('ca')]).toEqual([1, 2, 1, 3])
    })

    it('lists what one CA has revoked, in the order of issue', () => {
      const revoked = { revokedAt: 5_000, revocationReason: 'superseded' }
      const [first, second] = [
        issuedRecord({ serial: 'a1', issuedAt: 2_000, ...revoked }),
        issuedRecord({ serial: 'b2', kind: 'server', issuedAt: 1_000, ...revoked }),
      ]
      add(first, second, issuedRecord({ serial: 'c3' }), issuedRecord({ serial: 'd4', issuer: 'other', ...revoked }))
      expect(ledger.listRevoked('ca')).toStrictEqual([second, first])
      expect(ledger.listRevoked('nobody')).toEqual([])
      expect(ledger.listRevoked().map(({ serial }) => serial)).toEqual(['b2', 'd4', 'a1'])
      expect(ledger.countRevoked()).toBe(3)
    })

    it('says which of some serial numbers are revoked', () => {
      const revoked = { revokedAt: 5_000, revocationReason: 'superseded' }
      add(
        issuedRecord({ serial: 'a1', ...revoked }),
        issuedRecord({ serial: 'b2' }),
        issuedRecord({ serial: '01', ...revoked }),
        issuedRecord({ serial: 'd4', ...revoked }),
      )
      expect(ledger.revokedAmong(['a1', 'b2', 'c3', '1', '01', 'A1', '', "d4' --"]).sort()).toEqual(['01', 'a1'])
      expect(ledger.revokedAmong([])).toEqual([])
    })

    describe('changes()', () => {
      it('stays while nothing is committed', () => {
        add(issuedRecord({ serial: 'a1' }))
        const before = ledger.changes()
        ledger.list()
        ledger.recordLogins(new Map([['a1', 1_000]]))
        expect(() =>
          ledger.transaction((_insert, changes) => {
            changes.revoke('a1', { at: 5_000, reason: 'superseded' })
            throw new Error('no')
          }),
        ).toThrow()
        expect(ledger.changes()).toBe(before)
      })

      it('is another number after each transaction', async () => {
        const seen = [ledger.changes()]
        add(issuedRecord({ serial: 'a1' }))
        seen.push(ledger.changes())
        ledger.transaction((_insert, changes) => changes.revoke('a1', { at: 5_000, reason: 'superseded' }))
        seen.push(ledger.changes())
        await ledger.longTransaction(async (insert) => insert(issuedRecord({ serial: 'b2' })))
        seen.push(ledger.changes())
        expect(new Set(seen).size).toBe(4)
      })
    })

    it('remembers the last login with each certificate', () => {
      expect(ledger.lastLogins()).toEqual(new Map())
      ledger.recordLogins(
        new Map([
          ['a1', 1_000],
          ['b2', 2_000],
        ]),
      )
      ledger.recordLogins(
        new Map([
          ['a1', 3_000],
          ['b2', 1_500],
        ]),
      )
      expect(ledger.lastLogins()).toEqual(
        new Map([
          ['a1', 3_000],
          ['b2', 2_000],
        ]),
      )
    })

    it('forgets revocation and CRL number of a transaction that throws', () => {
      add(issuedRecord({ serial: 'a1' }))
      const failure = new Error('no')
      expect(() =>
        ledger.transaction((_insert, changes) => {
          changes.revoke('a1', { at: 5_000, reason: 'superseded' })
          changes.relocate('a1', '/elsewhere')
          changes.nextCrlNumber('ca', 0)
          throw failure
        }),
      ).toThrow(failure)
      expect(ledger.list()).toStrictEqual([issuedRecord({ serial: 'a1' })])
      expect(ledger.transaction((_insert, changes) => changes.nextCrlNumber('ca', 0))).toBe(1)
    })

    it('gives CRL numbers above the one that is published already', () => {
      const next = (above: number) => ledger.transaction((_insert, changes) => changes.nextCrlNumber('ca', above))
      expect([next(41), next(7), next(43)]).toEqual([42, 43, 44])
    })

    describe('audit log', () => {
      const trail = () => [...verifyChain(ledger.auditTrail())]
      const audit = (...events: AuditEvent[]) =>
        ledger.transaction((_insert, changes) => {
          for (const event of events) changes.audit(event)
        })

      it('begins with how many certificates were there before', () => {
        expect(trail()).toMatchObject([
          { number: 1, event: 'log-started', previous: '0'.repeat(64), details: { certificates: 0, revoked: 0 } },
        ])
      })

      it('gives back what was put in, in one chain', () => {
        const event: AuditEvent = {
          at: 1_000,
          event: 'revoked',
          actor: { user: 'root', sudoUser: 'jürgen "x"', host: 'ca', pid: 7, version: '1.0.0' },
          serial: 'a1',
          name: 'münchen@localhost',
          device: 'phone',
          reason: 'keyCompromise',
          details: { entries: 3 },
        }
        audit(event, { at: 2_000, event: 'crl-published' })
        audit({ at: 1_500, event: 'issued' })
        const [first, second, third, fourth] = trail()
        expect(second).toMatchObject({ ...event, number: 2, previous: first?.hash })
        expect(third).toMatchObject({ at: 2_000, number: 3, previous: second?.hash })
        expect(fourth).toMatchObject({ at: 1_500, number: 4, previous: third?.hash })
      })

      it('has no entry of a transaction that throws', () => {
        const failure = new Error('no')
        expect(() =>
          ledger.transaction((_insert, changes) => {
            changes.audit({ at: 1, event: 'issued' })
            throw failure
          }),
        ).toThrow(failure)
        audit({ at: 2, event: 'revoked' })
        expect(trail().map(({ number, event }) => [number, event])).toEqual([
          [1, 'log-started'],
          [2, 'revoked'],
        ])
      })
    })

    it('refuses a serial number that is taken, and everything with it', () => {
      add(issuedRecord({ serial: 'a1' }))
      expect(() => add(issuedRecord({ serial: 'b2' }), issuedRecord({ serial: 'a1', name: 'eve@localhost' }))).toThrow(
        XmppkiError,
      )
      expect(ledger.list()).toStrictEqual([issuedRecord({ serial: 'a1' })])
    })
  })
}
