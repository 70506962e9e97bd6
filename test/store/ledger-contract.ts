import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { type AuditEvent, verifyChain } from '../../src/store/audit.ts'
import { type CertificateId, certificateKey, type SignerId } from '../../src/store/certificate-id.ts'
import type { IssuedRecord, Ledger } from '../../src/store/ledger.ts'

/** A client record that differs from the next one by everything that is given. */
export function issuedRecord(given: Partial<IssuedRecord> & { readonly serial: string }): IssuedRecord {
  return {
    kind: 'client',
    issuer: 'ca',
    authority: 'CA',
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

/** What identifies the record that {@link issuedRecord} makes. */
export function idOf(serial: string, given: Partial<CertificateId> = {}): CertificateId {
  return { authority: 'CA', issuer: 'ca', serial, ...given }
}

const CA = { authority: 'CA', issuer: 'ca' }
const OTHER = { authority: 'Other', issuer: 'other' }

/** What every ledger has to do. */
export function describeLedger(name: string, open: () => Ledger): void {
  describe(`${name}: ledger contract`, () => {
    let ledger: Ledger
    beforeEach(() => {
      ledger = open()
    })
    afterEach(() => ledger.close())

    const add = (...records: IssuedRecord[]) => ledger.transaction((insert) => records.forEach(insert))

    it('knows for whom there has been a certificate, in whatever state', () => {
      add(
        issuedRecord({ serial: 'a1', name: 'old@localhost', device: 'phone', notAfter: 0 }),
        issuedRecord({ serial: 'a2', name: 'gone@localhost', revokedAt: 5, revocationReason: 'superseded' }),
        issuedRecord({ serial: 'a3', name: 'host@localhost', kind: 'server' }),
      )
      const enrolment = { certificate: '', mayManage: true, enrolledAt: 1, notAfter: 2 }
      ledger.transaction((_insert, changes) => {
        changes.enrol({ ...enrolment, account: 'now@localhost', label: 'x', fingerprint: 'f1' })
        changes.enrol({ ...enrolment, account: 'ended@localhost', label: 'x', fingerprint: 'f2' })
        changes.revokeEnrolment('ended@localhost', 'x', 7)
      })
      const names = ['old', 'gone', 'now', 'ended', 'host', 'nobody'].map((name) => `${name}@localhost`)
      expect(names.filter((name) => ledger.knowsClient(name))).toEqual(names.slice(0, 4))
    })

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
      expect(ledger.find(idOf(record.serial))).toStrictEqual(record)
      expect(ledger.list()).toStrictEqual([record])
    })

    it('leaves out what a record does not have', () => {
      add(issuedRecord({ serial: 'a1' }))
      expect(ledger.find(idOf('a1'))).toStrictEqual(issuedRecord({ serial: 'a1' }))
    })

    it.each(['', '0', 'A1', 'a1 ', "' OR 1=1 --"])('does not find the serial number %j', (serial) => {
      add(issuedRecord({ serial: 'a1' }))
      expect(ledger.find(idOf(serial))).toBeUndefined()
    })

    it('keeps serial numbers that look like numbers apart (RFC 5280 §4.1.2.2)', () => {
      add(
        issuedRecord({ serial: '1' }),
        issuedRecord({ serial: '01' }),
        issuedRecord({ serial: '1e2' }),
        issuedRecord({ serial: '100' }),
      )
      expect(['1', '01', '1e2', '100'].map((serial) => ledger.find(idOf(serial))?.serial)).toEqual([
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
        return ledger.find(idOf('a1'))?.serial
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
        ledger.transaction((_insert, changes) => changes.revoke(idOf(serial), { at, reason }))

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
        expect(ledger.find(idOf('a1'))).toMatchObject({ revokedAt: 5_000, revocationReason: 'keyCompromise' })
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
      ledger.transaction((_insert, changes) => changes.relocate(idOf('a1'), '/elsewhere/alice'))
      const moved = issuedRecord({ serial: 'a1', directory: '/elsewhere/alice' })
      expect(ledger.list()).toStrictEqual([moved, issuedRecord({ serial: 'b2' })])
    })

    it('counts CRL numbers upwards from 1 (RFC 5280 §5.2.3)', () => {
      const next = () => ledger.transaction((_insert, changes) => changes.nextCrlNumber(CA, 0))
      expect([next(), next(), next()]).toEqual([1, 2, 3])
    })

    it('counts the CRLs of every CA by themselves', () => {
      const next = (signer: SignerId) => ledger.transaction((_insert, changes) => changes.nextCrlNumber(signer, 0))
      expect([next(CA), next(CA), next(OTHER), next(CA)]).toEqual([1, 2, 1, 3])
    })

    it('lists what one CA has revoked, in the order of issue', () => {
      const revoked = { revokedAt: 5_000, revocationReason: 'superseded' }
      const [first, second] = [
        issuedRecord({ serial: 'a1', issuedAt: 2_000, ...revoked }),
        issuedRecord({ serial: 'b2', kind: 'server', issuedAt: 1_000, ...revoked }),
      ]
      add(first, second, issuedRecord({ serial: 'c3' }), issuedRecord({ serial: 'd4', ...OTHER, ...revoked }))
      expect(ledger.listRevoked(CA)).toStrictEqual([second, first])
      expect(ledger.listRevoked({ authority: 'Nobody', issuer: 'nobody' })).toEqual([])
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
      const asked = ['a1', 'b2', 'c3', '1', '01', 'A1', '', "d4' --"].map((serial) => idOf(serial))
      expect(ledger.revokedAmong(asked)).toEqual([idOf('a1'), idOf('01')])
      // The ids themselves, so that whoever asks finds what belongs to them.
      expect(ledger.revokedAmong(asked)[0]).toBe(asked[0])
      expect(ledger.revokedAmong([])).toEqual([])
    })

    it('knows when a certificate was revoked', () => {
      add(
        issuedRecord({ serial: 'a1', revokedAt: 5_000, revocationReason: 'superseded' }),
        issuedRecord({ serial: 'b2' }),
        issuedRecord({ serial: '1', revokedAt: 0, revocationReason: 'keyCompromise' }),
      )
      expect(['a1', '1', 'b2', 'A1', '01', '', "a1' --"].map((serial) => ledger.revokedAt(idOf(serial)))).toEqual([
        5_000,
        0,
        ...Array(5).fill(undefined),
      ])
      ledger.transaction((_insert, changes) => changes.revoke(idOf('b2'), { at: 6_000, reason: 'superseded' }))
      expect(ledger.revokedAt(idOf('b2'))).toBe(6_000)
    })

    describe('changes()', () => {
      it('stays while nothing is committed', () => {
        add(issuedRecord({ serial: 'a1' }))
        const before = ledger.changes()
        ledger.list()
        ledger.recordLogins([{ certificate: idOf('a1'), at: 1_000 }])
        expect(() =>
          ledger.transaction((_insert, changes) => {
            changes.revoke(idOf('a1'), { at: 5_000, reason: 'superseded' })
            throw new Error('no')
          }),
        ).toThrow()
        expect(ledger.changes()).toBe(before)
      })

      it('is another number after each transaction', async () => {
        const seen = [ledger.changes()]
        add(issuedRecord({ serial: 'a1' }))
        seen.push(ledger.changes())
        ledger.transaction((_insert, changes) => changes.revoke(idOf('a1'), { at: 5_000, reason: 'superseded' }))
        seen.push(ledger.changes())
        await ledger.longTransaction(async (insert) => insert(issuedRecord({ serial: 'b2' })))
        seen.push(ledger.changes())
        expect(new Set(seen).size).toBe(4)
      })
    })

    it('remembers the last login with each certificate that it has', () => {
      add(issuedRecord({ serial: 'a1' }), issuedRecord({ serial: 'b2' }), issuedRecord({ serial: 'a1', ...OTHER }))
      expect(ledger.lastLogins()).toEqual(new Map())
      const logins = (times: Record<string, number>) =>
        Object.entries(times).map(([serial, at]) => ({ certificate: idOf(serial), at }))
      ledger.recordLogins(logins({ a1: 1_000, b2: 2_000, c3: 3_000 }))
      ledger.recordLogins([...logins({ a1: 3_000, b2: 1_500 }), { certificate: idOf('a1', OTHER), at: 500 }])
      const expected = [
        [idOf('a1'), 3_000],
        [idOf('b2'), 2_000],
        [idOf('a1', OTHER), 500],
      ] as const
      expect(ledger.lastLogins()).toEqual(new Map(expected.map(([id, at]) => [certificateKey(id), at])))
    })

    it('forgets revocation and CRL number of a transaction that throws', () => {
      add(issuedRecord({ serial: 'a1' }))
      const failure = new Error('no')
      expect(() =>
        ledger.transaction((_insert, changes) => {
          changes.revoke(idOf('a1'), { at: 5_000, reason: 'superseded' })
          changes.relocate(idOf('a1'), '/elsewhere')
          changes.nextCrlNumber(CA, 0)
          throw failure
        }),
      ).toThrow(failure)
      expect(ledger.list()).toStrictEqual([issuedRecord({ serial: 'a1' })])
      expect(ledger.transaction((_insert, changes) => changes.nextCrlNumber(CA, 0))).toBe(1)
    })

    it('gives CRL numbers above the one that is published already', () => {
      const next = (above: number) => ledger.transaction((_insert, changes) => changes.nextCrlNumber(CA, above))
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

    describe('several CAs with the same serial numbers (RFC 5280 §4.1.2.2)', () => {
      const ours = issuedRecord({ serial: '1005' })
      const theirs = issuedRecord({ serial: '1005', ...OTHER, name: 'bob@localhost' })
      const revoke = (id: CertificateId) =>
        ledger.transaction((_insert, changes) => changes.revoke(id, { at: 5_000, reason: 'keyCompromise' }))

      it('tells their certificates apart', () => {
        add(ours, theirs)
        expect(ledger.find(ours)).toStrictEqual(ours)
        expect(ledger.find(theirs)).toStrictEqual(theirs)
        expect(ledger.find({ ...ours, authority: 'Nobody' })).toBeUndefined()
        expect(ledger.listBySerial('1005')).toStrictEqual([ours, theirs])
      })

      it('revokes, moves and counts one of them alone', () => {
        add(ours, theirs)
        expect(revoke(ours)).toMatchObject({ name: 'alice@localhost', revokedAt: 5_000 })
        ledger.transaction((_insert, changes) => changes.relocate(theirs, '/elsewhere'))
        expect([ours, theirs].map((id) => ledger.revokedAt(id))).toEqual([5_000, undefined])
        expect(ledger.revokedAmong([theirs, ours])).toEqual([ours])
        expect(ledger.find(ours)?.directory).toBe(ours.directory)
        expect(ledger.find(theirs)).toStrictEqual({ ...theirs, directory: '/elsewhere' })
        expect(ledger.listRevoked(OTHER)).toEqual([])
      })

      it('knows a CA whose certificate was renewed with the same key', () => {
        add(ours)
        const renewed = { ...CA, issuer: 'renewed' }
        expect(ledger.find(idOf('1005', renewed))).toStrictEqual(ours)
        revoke(idOf('1005', renewed))
        expect(ledger.listRevoked(renewed).map(({ serial }) => serial)).toEqual(['1005'])
        const next = (signer: SignerId) => ledger.transaction((_insert, changes) => changes.nextCrlNumber(signer, 0))
        expect([next(CA), next(renewed), next(CA)]).toEqual([1, 2, 3])
      })

      it('goes by the serial number of the CA certificate where the CA is not known', () => {
        const old = issuedRecord({ serial: '1005', authority: '' })
        add(old, theirs)
        expect(ledger.find(ours)).toStrictEqual(old)
        expect(ledger.find(old)).toStrictEqual(old)
        expect(ledger.find(idOf('1005', { issuer: 'another' }))).toBeUndefined()
        expect(ledger.find({ ...theirs, authority: '' })).toStrictEqual(theirs)
        revoke(ours)
        expect([ours, theirs].map((id) => ledger.revokedAt(id))).toEqual([5_000, undefined])
        expect(ledger.revokedAmong([ours, theirs])).toEqual([ours])
        expect(ledger.listRevoked(CA).map(({ name }) => name)).toEqual(['alice@localhost'])
        ledger.recordLogins([{ certificate: ours, at: 7_000 }])
        expect(ledger.lastLogins()).toEqual(new Map([[certificateKey(old), 7_000]]))
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
