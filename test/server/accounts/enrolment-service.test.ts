import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EnrolmentService } from '../../../src/server/accounts/enrolment-service.ts'
import type { CertificateCredential } from '../../../src/server/login/credential.ts'
import { LedgerEnrolmentStore } from '../../../src/store/replicated/ledger-enrolment-store.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { LogBook } from '../../support/servers/server.ts'

const ca = new OpensslCa()
const folder = mkdtempSync(join(tmpdir(), 'xmppki-desk-'))
const der = new X509Certificate(ca.selfSigned({ subject: '/CN=phone' }).cert).raw
afterAll(() => {
  ca.remove()
  rmSync(folder, { recursive: true })
})

const account = parseJid('alice@localhost')
const application = { label: 'Phone', der, mayManage: true }

let count = 0
let ledger: SqliteLedger
let other: SqliteLedger
let log: LogBook
let desk: EnrolmentService
let isClosed: boolean
let objection: ReturnType<CertificateCredential['judge']>
beforeEach(() => {
  const path = join(folder, `ledger-${count++}.db`)
  ledger = new SqliteLedger(path)
  other = new SqliteLedger(path)
  log = new LogBook()
  objection = undefined
  isClosed = false
  const store = new LedgerEnrolmentStore(ledger, 1)
  desk = new EnrolmentService({
    settings: () => ({ ledger, store, actor: undefined, isClosed }),
    isIssued: () => false,
    now: () => new Date(),
    log,
  })
})
afterEach(() => {
  ledger.close()
  other.close()
})

const proof: CertificateCredential = {
  mechanism: 'EXTERNAL',
  serial: 'a1',
  ids: () => [],
  issuer: 'CN=CA',
  fingerprint: 'f0',
  ends: () => [],
  judge: () => objection,
}

/** Holds the write lock in another connection until the answer is called. */
async function occupied(): Promise<() => Promise<void>> {
  let release = () => {}
  const over = new Promise<void>((resolve) => {
    release = resolve
  })
  const held = new Promise<{ done: Promise<void> }>((begun) => {
    const done: Promise<void> = other.longTransaction(async () => {
      queueMicrotask(() => begun({ done }))
      await over
    })
  })
  const { done } = await held
  return async () => {
    release()
    await done
  }
}

describe('while another process writes to the ledger', () => {
  it('a change waits without blocking, and is made then', async () => {
    const release = await occupied()
    let isSettled = false
    const change = desk.append({ account, proof }, application).finally(() => {
      isSettled = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isSettled).toBe(false)
    await release()
    expect(await change).toBeUndefined()
    expect(desk.list(account).map(({ label }) => label)).toEqual(['Phone'])
  })

  it('a change that cannot be made in time is refused, and the log says why', async () => {
    const release = await occupied()
    expect(await desk.append({ account, proof }, application)).toMatchObject({ condition: 'resource-constraint' })
    expect(log.lines).toMatchObject([{ level: 'warn', account: 'alice@localhost' }])
    await release()
    expect(desk.list(account)).toEqual([])
  })

  it('a certificate that is revoked meanwhile does not enrol another one any more', async () => {
    const release = await occupied()
    const change = desk.append({ account, proof }, application)
    objection = { check: 'revoked', reason: 'revoked' }
    await release()
    expect(await change).toMatchObject({ condition: 'forbidden' })
    expect(desk.list(account)).toEqual([])
  })
})

describe('a change that is refused', () => {
  it('leaves no trace in the audit log', async () => {
    await desk.append({ account, proof }, application)
    expect(await desk.append({ account, proof }, application)).toMatchObject({ condition: 'conflict' })
    expect(await desk.end({ account, proof }, 'Laptop', 'revoke')).toMatchObject({ condition: 'item-not-found' })
    expect([...ledger.auditTrail()].map(({ text }) => JSON.parse(text).event)).toEqual(['log-started', 'enrolled'])
  })
})

describe('the end of an account', () => {
  it('ends what was enrolled, also when nothing may be enrolled any more', async () => {
    expect(await desk.append({ account, proof }, application)).toBeUndefined()
    isClosed = true
    expect(desk.isOpen).toBe(false)
    expect(await desk.endAll(account)).toBeUndefined()
    expect(ledger.enrolments.list('alice@localhost')).toEqual([])
  })
})
