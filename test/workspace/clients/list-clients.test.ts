import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { type Authority, signerId } from '../../../src/workspace/base/authority.ts'
import { parsePeriod } from '../../../src/workspace/base/period.ts'
import { initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import { listClients } from '../../../src/workspace/clients/list-clients.ts'
import { renewableClients } from '../../../src/workspace/clients/renew-clients.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { CaFolder } from '../support.ts'

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

describe('what a CA has issued that is not good any more', () => {
  let own: CaFolder
  let below: Authority
  beforeEach(async () => {
    own = await new CaFolder().init()
    const issuer = own.workspace.issuerSource(() => Promise.reject(new Error('nobody should ask')))
    await own.issue('root')
    await initIssuing(own.workspace, {
      ...{ commonName: 'Below', algorithm: keyAlgorithm('ec:p256'), days: 1825, issuer },
      ...{ passphrase: async () => undefined, ifMissing: false, replace: false },
    })
    below = own.workspace.authority()
    await own.issue('alice', { issuer })
    await own.issue('alice', { issuer, device: 'phone', days: 10 })
  })
  afterEach(() => own.remove())

  const listed = (now = new Date()) =>
    listClients(own.workspace, { expiring: parsePeriod('30d'), now }).map(
      ({ jid, device, state, refusal, refusalReason = '' }) => [jid, device, state, refusal, refusalReason] as const,
    )
  const revokeBelow = () =>
    own.workspace.ledger().transaction((_insert, changes) => {
      changes.revoke(own.record(below.serial), { at: Date.UTC(2026, 10, 1), reason: 'cACompromise' })
    })

  it('is revoked as soon as the CA is', () => {
    revokeBelow()
    const reason = 'its CA Below was revoked on 2026-11-01T00:00:00.000Z'
    expect(listed()).toEqual([
      ['alice@localhost', '', 'revoked', 'revoked', reason],
      ['alice@localhost', 'phone', 'revoked', 'revoked', reason],
      ['root@localhost', '', 'valid', null, ''],
    ])
  })

  it('supersedes nothing that another CA has issued', () => {
    const [older] = own.workspace.ledger().list('client')
    own.workspace.ledger().transaction((insert) => {
      if (older !== undefined) insert({ ...older, ...signerId(below), serial: '77', issuedAt: Date.now() + 1000 })
    })
    const states = () =>
      listed()
        .filter(([jid]) => jid === 'root@localhost')
        .map(([, , state]) => state)
    expect(states()).toEqual(['valid', 'superseded'])
    revokeBelow()
    expect(states()).toEqual(['revoked', 'valid'])
  })

  it('has expired with it, and with the root above it', () => {
    const gone = new Date(below.notAfter.getTime() + 1000)
    expect(listed(gone)[0]).toMatchObject({ 2: 'expired', 3: 'expired' })
    own.workspace.ledger().transaction((insert) => {
      const long = { name: 'zoe@localhost', notAfter: Date.UTC(2099, 1), notBefore: 0 }
      insert(issuedRecord({ ...signerId(below), ...long, serial: '77' }))
    })
    expect(listed(gone).at(-1)).toMatchObject({ 2: 'expired', 4: expect.stringContaining('its CA Below expired on') })
  })

  it('is found by the serial number of the CA in rows that know no more, and where the CA is gone', () => {
    own.workspace.ledger().transaction((insert) => {
      insert(
        issuedRecord({
          issuer: below.serial,
          authority: '',
          name: 'zoe@localhost',
          serial: '77',
          notAfter: Date.UTC(2099, 1),
        }),
      )
    })
    revokeBelow()
    expect(listed().at(-1)).toMatchObject({ 2: 'revoked', 3: 'revoked' })
  })

  it('still is to be renewed: that is what makes it good again', () => {
    const before = renewableClients(own.workspace).map(({ jid, device }) => `${jid} ${device}`)
    revokeBelow()
    expect(renewableClients(own.workspace).map(({ jid, device }) => `${jid} ${device}`)).toEqual(before)
    expect(before).toEqual(['alice@localhost ', 'alice@localhost phone', 'root@localhost '])
  })

  it('costs no more than its row: 10,000 of them are judged by a handful of files', () => {
    own.workspace.ledger().transaction((insert) => {
      for (let n = 0; n < 10_000; n += 1) {
        insert(
          issuedRecord({ ...signerId(below), serial: `aa${n}`, name: `u${n}@localhost`, notAfter: Date.UTC(2099, 1) }),
        )
      }
    })
    revokeBelow()
    const read = vi.spyOn(own.workspace, 'knownAuthorities')
    expect(listed()).toHaveLength(10_003)
    expect(read).toHaveBeenCalledTimes(1)
  })
})
