import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { LoginRecorder } from '../../src/service/login-recorder.ts'
import { MemoryLedger } from '../../src/store/memory.ts'
import { issuedRecord } from '../store/contract.ts'
import { LogBook } from '../support/server.ts'

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

  override recordLogins(logins: ReadonlyMap<string, number>): void {
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
    for (let at = 1; at <= 1_000; at++) recorder.note(at % 2 === 0 ? 'a1' : 'b2', at)
    expect(ledger.writes).toBe(0)
    await recorder.stop()
    expect(ledger.writes).toBe(1)
    expect(ledger.lastLogins()).toEqual(
      new Map([
        ['b2', 999],
        ['a1', 1_000],
      ]),
    )
  })

  it('writes by itself after a while', async () => {
    const ledger = new ObservedLedger()
    const written = new Promise<void>((resolve) => {
      ledger.written = resolve
    })
    new LoginRecorder(ledger, new LogBook(), 1).note('a1', 7)
    await written
    expect(ledger.lastLogins()).toEqual(new Map([['a1', 7]]))
  })

  it('leaves certificates of other CAs out', async () => {
    const ledger = new ObservedLedger()
    const recorder = new LoginRecorder(ledger, new LogBook(), NEVER_MS)
    recorder.note('foreign', 7)
    await recorder.stop()
    expect(ledger.lastLogins()).toEqual(new Map())
  })

  it('tries again what could not be written, and says so once', async () => {
    const ledger = new ObservedLedger()
    ledger.failures = 2
    const log = new LogBook()
    const recorder = new LoginRecorder(ledger, log, NEVER_MS)
    recorder.note('a1', 7)
    await recorder.stop()
    expect(ledger.lastLogins()).toEqual(new Map([['a1', 7]]))
    expect(log.lines).toMatchObject([{ level: 'warn', error: 'the ledger is locked by another process' }])
  })

  it('gives up at the end of the service', async () => {
    const ledger = new ObservedLedger()
    ledger.failures = Number.POSITIVE_INFINITY
    const recorder = new LoginRecorder(ledger, new LogBook(), NEVER_MS)
    recorder.note('a1', 7)
    await recorder.stop()
    expect(ledger.lastLogins()).toEqual(new Map())
  })
})
