import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { LoginRecorder } from '../../src/service/login-recorder.ts'
import { certificateKey } from '../../src/store/certificate-id.ts'
import type { NotedLogin } from '../../src/store/ledger.ts'
import { MemoryLedger } from '../../src/store/memory/ledger.ts'
import { idOf, issuedRecord } from '../store/ledger-contract.ts'
import { LogBook } from '../support/servers/server.ts'

/** Counts its writes; the first `failures` of them fail. */
class ObservedLedger extends MemoryLedger {
  writes = 0
  failures = 0
  written: () => void = () => undefined

  constructor() {
    super()
    this.transaction((insert) => {
      for (const serial of ['a1', 'b2']) insert(issuedRecord({ serial }))
    })
  }

  override recordLogins(logins: readonly NotedLogin[]): void {
    this.writes += 1
    if (this.writes <= this.failures) throw new XmppkiError('IO', 'the ledger is locked by another process')
    super.recordLogins(logins)
    this.written()
  }
}

const NEVER_MS = 1_000_000

describe('LoginRecorder', () => {
  it('writes many logins at once, the last of each certificate', async () => {
    const ledger = new ObservedLedger()
    const recorder = new LoginRecorder(ledger, new LogBook(), NEVER_MS)
    for (let at = 1; at <= 1_000; at++) recorder.note(idOf(at % 2 === 0 ? 'a1' : 'b2'), at)
    expect(ledger.writes).toBe(0)
    await recorder.stop()
    expect(ledger.writes).toBe(1)
    expect(ledger.lastLogins()).toEqual(
      new Map([
        [certificateKey(idOf('b2')), 999],
        [certificateKey(idOf('a1')), 1_000],
      ]),
    )
  })

  it('writes by itself after a while', async () => {
    const ledger = new ObservedLedger()
    const written = new Promise<void>((resolve) => {
      ledger.written = resolve
    })
    new LoginRecorder(ledger, new LogBook(), 1).note(idOf('a1'), 7)
    await written
    expect(ledger.lastLogins()).toEqual(new Map([[certificateKey(idOf('a1')), 7]]))
  })

  it('leaves certificates of other CAs out', async () => {
    const ledger = new ObservedLedger()
    const recorder = new LoginRecorder(ledger, new LogBook(), NEVER_MS)
    recorder.note(idOf('foreign'), 7)
    await recorder.stop()
    expect(ledger.lastLogins()).toEqual(new Map())
  })

  it('tries again what could not be written, and says so once', async () => {
    const ledger = new ObservedLedger()
    ledger.failures = 2
    const log = new LogBook()
    const recorder = new LoginRecorder(ledger, log, NEVER_MS)
    recorder.note(idOf('a1'), 7)
    await recorder.stop()
    expect(ledger.lastLogins()).toEqual(new Map([[certificateKey(idOf('a1')), 7]]))
    expect(log.lines).toMatchObject([{ level: 'warn', error: 'the ledger is locked by another process' }])
  })

  it('gives up at the end of the service', async () => {
    const ledger = new ObservedLedger()
    ledger.failures = Number.POSITIVE_INFINITY
    const recorder = new LoginRecorder(ledger, new LogBook(), NEVER_MS)
    recorder.note(idOf('a1'), 7)
    await recorder.stop()
    expect(ledger.lastLogins()).toEqual(new Map())
  })
})
