import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listClients } from '../../src/workspace/list-clients.ts'
import { parsePeriod } from '../../src/workspace/period.ts'
import { issuedRecord } from '../store/contract.ts'
import { CaFolder } from './support.ts'

const DAY = 86_400_000
const NOW = 1000 * DAY

let ca: CaFolder
beforeAll(async () => {
  ca = await new CaFolder().init()
  const alice = { name: 'alice@localhost', notBefore: 0 }
  const rows = [
    { ...alice, serial: 'a1', issuedAt: 10, notAfter: NOW - 1 },
    { ...alice, serial: 'a2', issuedAt: 20, notAfter: NOW + 5 * DAY },
    { ...alice, serial: 'a3', issuedAt: 30, notAfter: NOW + 100 * DAY },
    { ...alice, serial: 'a4', issuedAt: 40, notAfter: NOW + 90 * DAY, revokedAt: 41, revocationReason: 'superseded' },
    { ...alice, serial: 'a5', issuedAt: 15, notAfter: NOW + 30 * DAY, device: 'phone' },
    { serial: 'b1', issuedAt: 1, notAfter: NOW, name: 'bob@localhost' },
    { serial: '0c', issuedAt: 2, notAfter: NOW + DAY, name: 'carol@localhost', kind: 'server' as const },
  ]
  ca.workspace.ledger().transaction((insert) => {
    for (const row of rows) insert(issuedRecord(row))
  })
})
afterAll(() => ca.remove())

const statesOf = (jid?: string) =>
  listClients(ca.workspace, {
    expiring: parsePeriod('30d'),
    now: new Date(NOW),
    ...(jid === undefined ? {} : { jid }),
  }).map(({ serial, state }) => [serial, state])

describe('listClients', () => {
  it('sorts by user and device, the newest first, and says what each is good for', () => {
    expect(statesOf()).toEqual([
      ['a4', 'revoked'],
      ['a3', 'valid'],
      ['a2', 'superseded'],
      ['a1', 'expired'],
      ['a5', 'expiring'],
      // The last second of validity is inclusive (RFC 5280 §4.1.2.5).
      ['b1', 'expiring'],
    ])
  })

  it('tells the last login where there was one', () => {
    ca.workspace.ledger().recordLogins([{ certificate: ca.record('a3'), at: NOW - DAY }])
    const clients = listClients(ca.workspace, { expiring: parsePeriod('30d'), now: new Date(NOW) })
    const logins = clients.flatMap(({ serial, lastLogin }) => (lastLogin === undefined ? [] : [[serial, lastLogin]]))
    expect(logins).toEqual([['a3', new Date(NOW - DAY)]])
  })

  it('tells certificates of two CAs with one serial number apart', () => {
    const other = { ...ca.record('a3'), authority: 'Other', issuer: 'other', name: 'dave@localhost' }
    ca.workspace.ledger().transaction((insert) => insert(other))
    ca.workspace.ledger().recordLogins([{ certificate: other, at: NOW - 2 * DAY }])
    const [dave] = listClients(ca.workspace, {
      jid: 'dave@localhost',
      expiring: parsePeriod('30d'),
      now: new Date(NOW),
    })
    expect(dave).toMatchObject({ serial: 'a3', issuerId: 'Other', state: 'valid', lastLogin: new Date(NOW - 2 * DAY) })
  })

  it('can be asked for one user', () => {
    expect(statesOf('bob@localhost')).toEqual([['b1', 'expiring']])
    expect(statesOf('carol@localhost')).toEqual([])
  })

  it('tells when and why one was revoked', () => {
    const [newest] = listClients(ca.workspace, { expiring: parsePeriod('30d'), now: new Date(NOW) })
    expect(newest).toMatchObject({ revokedAt: new Date(41), revocationReason: 'superseded' })
  })
})
