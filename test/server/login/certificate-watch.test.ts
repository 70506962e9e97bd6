import { afterEach, describe, expect, it, vi } from 'vitest'
import { CertificateWatch } from '../../../src/server/login/certificate-watch.ts'
import type { CertificateCredential } from '../../../src/server/login/credential.ts'
import type { CertificateId } from '../../../src/store/certificate-id.ts'
import { LedgerWatch } from '../../../src/store/ledger-watch.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import type { Refusal } from '../../../src/trust/refusal.ts'
import type { StreamError } from '../../../src/xmpp/stream/stream.ts'
import { idOf, issuedRecord } from '../../store/ledger-contract.ts'
import { LogBook } from '../../support/servers/server.ts'

const END = Date.UTC(2030, 0, 1)

/** What a session is for the guard, and a promise for its end. */
class Client {
  readonly ended: Promise<StreamError>
  error: StreamError | undefined
  #resolve: (error: StreamError) => void = () => undefined

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  close(error: StreamError): void {
    this.error = error
    this.#resolve(error)
  }
}

/** Good until the ledger has one of its certificates as revoked. */
function proof(
  serial: string,
  ledger: MemoryLedger,
  given: Partial<CertificateCredential> = {},
): CertificateCredential {
  const { ids = () => [idOf(serial)] } = given
  const judge = (): Refusal | undefined => {
    const revoked = ids().find((id) => ledger.revokedAt(id) !== undefined)
    return revoked && { check: 'revoked', reason: `${revoked.serial} was revoked` }
  }
  return {
    mechanism: 'EXTERNAL',
    serial,
    ids,
    issuer: 'CN=CA',
    fingerprint: `fingerprint of ${serial}`,
    ends: () => [new Date(END)],
    judge,
    ...given,
  }
}

class CountingLedger extends MemoryLedger {
  questions: string[][] = []
  failure: Error | undefined
  onQuestion: () => void = () => undefined

  override revokedAmong<Id extends CertificateId>(ids: readonly Id[]): Id[] {
    this.questions.push(ids.map(({ serial }) => serial))
    this.onQuestion()
    if (this.failure !== undefined) throw this.failure
    return super.revokedAmong(ids)
  }

  /** Resolves with the next question. */
  asked(): Promise<void> {
    return new Promise((resolve) => {
      this.onQuestion = resolve
    })
  }
}

let guard: CertificateWatch | undefined
afterEach(() => guard?.stop())

function setUp() {
  const ledger = new CountingLedger()
  const log = new LogBook()
  const clock = { now: END - 60_000 }
  const watch = new LedgerWatch(ledger, 5)
  guard = new CertificateWatch({ ledger, watch, log, now: () => new Date(clock.now) })
  const client = (serial: string, given?: Partial<CertificateCredential>) => {
    const made = new Client()
    guard?.watch(made, proof(serial, ledger, given))
    return made
  }
  /** One whose certificate is good to its end, and rests on what may end before. */
  const mortal = (serial: string, end: number, ...others: number[]) => {
    const judge = () => (clock.now >= end + 1_000 ? ({ check: 'expired', reason: 'expired' } as const) : undefined)
    return client(serial, { ends: () => [...others, end].map((time) => new Date(time)), judge })
  }
  const revoke = (serial: string) =>
    ledger.transaction((insert, changes) => {
      if (ledger.find(idOf(serial)) === undefined) insert(issuedRecord({ serial }))
      changes.revoke(idOf(serial), { at: 5_000, reason: 'keyCompromise' })
    })
  return { guard, ledger, log, clock, client, mortal, revoke }
}

const REVOKED = { condition: 'not-authorized', text: 'certificate revoked' }
const OVER = { condition: 'reset', text: 'the certificate is not accepted any more' }

describe('CertificateWatch', () => {
  it('ends every session of a revoked certificate with not-authorized, and no other one', async () => {
    const { client, revoke, log } = setUp()
    const [first, second, other] = [client('a1'), client('a1'), client('b2')]
    revoke('a1')
    expect(await Promise.all([first.ended, second.ended])).toEqual([REVOKED, REVOKED])
    expect(other.error).toBeUndefined()
    expect(log.lines).toHaveLength(2)
    expect(log.lines[0]).toMatchObject({ level: 'warn', check: 'revoked', serial: 'a1', issuer: 'CN=CA' })
  })

  it('ends a session below a CA that is revoked', async () => {
    const { client, revoke, log } = setUp()
    const session = client('a1', { ids: () => [idOf('a1'), idOf('ca5e')] })
    revoke('ca5e')
    expect(await session.ended).toEqual(REVOKED)
    expect(log.lines[0]).toMatchObject({ reason: 'ca5e was revoked' })
  })

  it('keeps a session that is good by another path', async () => {
    const { client, revoke, ledger } = setUp()
    const judged = vi.fn(() => undefined)
    const session = client('a1', { ids: () => [idOf('a1'), idOf('ca5e')], judge: judged })
    revoke('ca5e')
    await vi.waitFor(() => expect(judged).toHaveBeenCalled())
    await nextLook(ledger)
    expect(session.error).toBeUndefined()
  })

  it('sees a revocation that came between the judgement of the login and the watch', async () => {
    const { client, revoke } = setUp()
    revoke('a1')
    expect(await client('a1').ended).toEqual(REVOKED)
  })

  it('asks once and not again while nothing changes', async () => {
    const { client, ledger, revoke } = setUp()
    client('a1')
    await ledger.asked()
    let looks = 0
    const changes = ledger.changes.bind(ledger)
    const thirdLook = new Promise<void>((resolve) => {
      ledger.changes = () => {
        looks += 1
        if (looks === 3) resolve()
        return changes()
      }
    })
    await thirdLook
    expect(ledger.questions).toEqual([['a1']])
    revoke('zz')
    await ledger.asked()
    expect(ledger.questions).toHaveLength(2)
  })

  it('asks about thousands a part at a time', async () => {
    const { client, ledger, revoke } = setUp()
    const sessions = Array.from({ length: 4_500 }, (_, index) => client(`s${index}`))
    revoke('s4499')
    expect(await sessions[4_499]?.ended).toEqual(REVOKED)
    expect(ledger.questions.map(({ length }) => length)).toEqual([2_000, 2_000, 500])
    expect(sessions.filter(({ error }) => error !== undefined)).toHaveLength(1)
  })

  it.each([
    { what: 'a second after the last one of the certificate (RFC 5280 §4.1.2.5)', at: END + 1_000, ended: true },
    { what: 'but not in it', at: END + 999, ended: false },
  ])('ends a session with reset $what', async ({ at, ended }) => {
    const { mortal, clock, ledger } = setUp()
    const [session, later] = [mortal('a1', END), mortal('b2', END + 5_000)]
    await ledger.asked()
    clock.now = at
    await nextLook(ledger)
    expect(session.error).toEqual(ended ? OVER : undefined)
    expect(later.error).toBeUndefined()
    clock.now = END + 6_000
    expect(await later.ended).toEqual(OVER)
  })

  it('keeps a session that does not need what has ended, and ends it when its own time has come', async () => {
    const { mortal, clock, ledger } = setUp()
    const session = mortal('a1', END + 5_000, END - 90_000, END)
    clock.now = END + 1_000
    await nextLook(ledger)
    expect(session.error).toBeUndefined()
    clock.now = END + 6_000
    expect(await session.ended).toEqual(OVER)
  })

  it.each<{ refusal: Refusal; error: StreamError }>([
    { refusal: { check: 'unknown-ca', reason: 'no configured CA issued it' }, error: OVER as StreamError },
    { refusal: { check: 'revoked', reason: 'on the CRL' }, error: REVOKED as StreamError },
  ])('judges all anew when it is told to: $refusal.check', async ({ refusal, error }) => {
    const { guard, client, log } = setUp()
    const judged = Array.from({ length: 50 }, (_, index) =>
      client(`s${index}`, { judge: () => (index === 42 ? refusal : undefined) }),
    )
    await guard.judgeAll()
    expect(judged.map((session) => session.error).filter((found) => found !== undefined)).toEqual([error])
    expect(judged[42]?.error).toEqual(error)
    expect(log.lines).toEqual([expect.objectContaining({ ...refusal, serial: 's42' })])
  })

  it('judges those anew who enrolled their certificates themselves, whenever the ledger has changed', async () => {
    const { client, ledger, revoke } = setUp()
    let refusal: Refusal | undefined
    const judge = () => refusal
    const [enrolled, issued] = [client('a1', { enrolment: { mayManage: true }, judge }), client('b2', { judge })]
    await ledger.asked()
    refusal = { check: 'revoked', reason: 'revoked by alice@localhost' }
    revoke('zz')
    expect(await enrolled.ended).toEqual(REVOKED)
    expect(issued.error).toBeUndefined()
  })

  it('judges again what could not be judged when its time had come', async () => {
    const { client, clock, ledger, log } = setUp()
    let failure: Error | undefined = new Error('disk I/O error')
    const judge = () => {
      if (failure !== undefined) throw failure
      return { check: 'expired', reason: 'expired' } as const
    }
    const session = client('a1', { judge })
    clock.now = END + 1_000
    await nextLook(ledger)
    expect(session.error).toBeUndefined()
    expect(log.lines.map(({ level }) => level)).toEqual(['error'])
    failure = undefined
    expect(await session.ended).toEqual(OVER)
  })

  it('asks again about a session that could not be judged when its certificate was revoked', async () => {
    const { client, revoke } = setUp()
    let attempts = 0
    const judge = (): Refusal => {
      attempts += 1
      if (attempts === 1) throw new Error('disk I/O error')
      return { check: 'revoked', reason: 'a1 was revoked' }
    }
    const session = client('a1', { judge })
    revoke('a1')
    expect(await session.ended).toEqual(REVOKED)
    expect(attempts).toBe(2)
  })

  it('leaves alone who has gone', async () => {
    const { guard, client, revoke, ledger } = setUp()
    const [gone, stays] = [client('a1'), client('a1')]
    guard.forget(gone)
    revoke('a1')
    await stays.ended
    expect(gone.error).toBeUndefined()
    const asked = ledger.questions.length
    revoke('b2')
    const back = client('b2')
    await back.ended
    expect(ledger.questions.slice(asked)).toEqual([['b2']])
  })

  it('goes on when the ledger cannot be read, says so once, and catches up', async () => {
    const { client, revoke, ledger, log } = setUp()
    ledger.failure = new Error('disk I/O error')
    const session = client('a1')
    revoke('a1')
    await ledger.asked()
    await ledger.asked()
    ledger.failure = undefined
    expect(await session.ended).toEqual(REVOKED)
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', message: 'revocations cannot be read from the ledger', error: 'Error: disk I/O error' },
    ])
  })
})

/** Resolves after the guard has looked at clock and ledger once more. */
function nextLook(ledger: CountingLedger): Promise<void> {
  const changes = ledger.changes.bind(ledger)
  return new Promise((resolve) => {
    ledger.changes = () => {
      resolve()
      return changes()
    }
  })
}
