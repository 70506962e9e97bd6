import { afterEach, describe, expect, it, vi } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { EnrolmentExchange } from '../../../src/service/sharing/enrolment-exchange.ts'
import type { Enrolment } from '../../../src/store/enrolments.ts'
import { LedgerWatch } from '../../../src/store/ledger-watch.ts'
import { MemorySharedEnrolments } from '../../../src/store/memory/shared-enrolments.ts'
import type { SharedEnrolments } from '../../../src/store/shared-enrolments.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { ALICE, BOB, enrolling, enrolment, terms } from '../../store/enrolment-samples.ts'
import { ReplicatedStore } from '../../support/servers/replicated-store.ts'
import { LogBook } from '../../support/servers/server.ts'

/** A database that can be away. */
class DistantEnrolments extends MemorySharedEnrolments {
  isAway = false

  override listen(onNews: () => void) {
    return this.isAway ? away() : super.listen(onNews)
  }

  override fetch(after: number) {
    return this.isAway ? away() : super.fetch(after)
  }

  override change(change: Parameters<SharedEnrolments['change']>[0]) {
    return this.isAway ? away() : super.change(change)
  }
}

const away = () => Promise.reject(new XmppkiError('UNAVAILABLE', 'the database cannot be reached'))

/** A server, as far as it has to do with enrolments that are shared. */
class Machine extends ReplicatedStore {
  readonly log = new LogBook()
  readonly exchange = new EnrolmentExchange({
    database: this.database,
    store: this.store,
    replica: this.replica,
    ledger: this.ledger,
    watch: new LedgerWatch(this.ledger),
    log: this.log,
  })

  async start(): Promise<void> {
    await this.exchange.start()
    await this.exchange.keep()
  }

  enrolBefore(...given: Partial<Enrolment>[]): void {
    this.ledger.transaction((_insert, changes) => {
      for (const one of given) changes.enrol(enrolment(one))
    })
  }
}

let machines: Machine[] = []
afterEach(async () => {
  await Promise.all(machines.map(({ exchange }) => exchange.stop()))
  for (const machine of machines) await machine.close()
  machines = []
})

function machine(database: SharedEnrolments): Machine {
  const made = new Machine(database)
  machines.push(made)
  return made
}

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 30_000, interval: 10 })
const messages = ({ log }: Machine) => log.lines.map(({ level, message }) => `${level}: ${message}`)

describe('what is enrolled and revoked on one machine', () => {
  it('is known on the other within a moment', async () => {
    const database = new MemorySharedEnrolments()
    const [here, there] = [machine(database), machine(database)]
    await Promise.all([here.start(), there.start()])
    await here.store.change(enrolling(), terms())
    await until(() => expect(there.known.find('f1')).toStrictEqual(enrolment()))
    const before = here.replica.changes
    await there.store.change({ kind: 'revoke', account: ALICE, label: 'Phone' }, terms())
    await until(() => expect(here.known.isRevoked(ALICE, 'f1')).toBe(true))
    expect(here.replica.changes).toBeGreaterThan(before)
  })

  it('is known to one that comes later', async () => {
    const database = new MemorySharedEnrolments()
    const here = machine(database)
    await here.store.change(enrolling(), terms())
    await here.store.change(enrolling({ account: BOB, fingerprint: 'f2' }), terms())
    await here.store.change({ kind: 'revoke', account: BOB, label: 'Phone' }, terms())
    const there = machine(database)
    await there.start()
    expect([there.known.find('f1')?.account, there.known.isRevoked(BOB, 'f2')]).toEqual([ALICE, true])
  })
})

describe('while the database is away', () => {
  it('what is known stays known, nothing is changed, and the rest is learned afterwards', async () => {
    const database = new DistantEnrolments()
    const [here, there] = [machine(database), machine(database)]
    await here.start()
    await there.store.change(enrolling(), terms())
    await until(() => expect(here.known.find('f1')).toBeDefined())
    database.isAway = true
    await until(() => expect(messages(here)).toEqual(['error: enrolled certificates cannot be shared for now']))
    const laptop = enrolling({ label: 'Laptop', fingerprint: 'f2' })
    await expect(here.store.change(laptop, terms())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(here.known.find('f1')).toStrictEqual(enrolment())
    database.isAway = false
    await there.store.change({ kind: 'revoke', account: ALICE, label: 'Phone' }, terms())
    await there.store.change(laptop, terms())
    await until(() => expect(here.known.list(ALICE).map(({ label }) => label)).toEqual(['Laptop']))
    expect(here.known.isRevoked(ALICE, 'f1')).toBe(true)
    await until(() => expect(messages(here).at(-1)).toBe('info: enrolled certificates are shared again'))
  })
})

describe('a database from an older copy', () => {
  it('is told what has been revoked since, and what it does not have is gone', async () => {
    const here = machine(new MemorySharedEnrolments())
    await here.start()
    await here.store.change(enrolling(), terms())
    await here.store.change({ kind: 'revoke', account: ALICE, label: 'Phone' }, terms())
    await here.store.change(enrolling({ label: 'Laptop', fingerprint: 'f2' }), terms())
    await here.exchange.stop()
    const older = new MemorySharedEnrolments()
    await older.adopt(ALICE, [enrolment()])
    const { replica, ledger, known } = here
    const after = new ReplicatedStore(older, here.folder)
    const exchange = new EnrolmentExchange({ ...after, watch: new LedgerWatch(after.ledger), log: here.log })
    await exchange.start()
    expect(await older.list(ALICE)).toEqual([])
    expect([known.isRevoked(ALICE, 'f1'), known.list(ALICE)]).toEqual([true, []])
    expect([replica.isComplete, ledger.enrolments.all()]).toEqual([true, []])
    await exchange.stop()
    after.stop()
  })
})

describe('what the ledger had before', () => {
  it('moves once, and the ledger is left with what was revoked', async () => {
    const database = new MemorySharedEnrolments()
    const here = machine(database)
    here.enrolBefore({}, { label: 'Lost', fingerprint: 'f2' }, { account: BOB, fingerprint: 'f3' })
    here.ledger.transaction((_insert, changes) => changes.revokeEnrolment(ALICE, 'Lost', 6_000))
    await here.start()
    expect(here.adoptions.map(({ outcome }) => outcome)).toEqual(['adopted', 'adopted'])
    expect([here.ledger.enrolments.all(), here.ledger.enrolments.isRevoked(ALICE, 'f2')]).toEqual([[], true])
    expect(here.known.list(ALICE)).toStrictEqual([enrolment()])
    const there = machine(database)
    await there.start()
    expect([there.known.list(BOB).length, there.known.isRevoked(ALICE, 'f2')]).toEqual([1, true])
  })

  it('moves once from two machines that have a copy of the same and start at once', async () => {
    const database = new MemorySharedEnrolments()
    const both = [machine(database), machine(database)]
    for (const one of both) one.enrolBefore({}, { label: 'Laptop', fingerprint: 'f2' })
    await Promise.all(both.map((one) => one.start()))
    for (const one of both) {
      expect(one.known.list(ALICE).map(({ label }) => label)).toEqual(['Phone', 'Laptop'])
      expect(one.ledger.enrolments.all()).toEqual([])
    }
    expect(await database.fetch(0)).toHaveLength(2)
  })

  it('stays in the ledger until the configuration with the database is in force', async () => {
    const database = new MemorySharedEnrolments()
    const here = machine(database)
    here.enrolBefore({})
    await here.exchange.start()
    expect([(await database.list(ALICE)).length, here.ledger.enrolments.all().length]).toEqual([1, 1])
    await here.exchange.keep()
    expect([here.known.list(ALICE).length, here.ledger.enrolments.all()]).toEqual([1, []])
  })

  it('does not come back with a ledger from a backup', async () => {
    const database = new MemorySharedEnrolments()
    const here = machine(database)
    here.enrolBefore({})
    await here.start()
    await here.store.change({ kind: 'disable', account: ALICE, label: 'Phone' }, terms())
    here.enrolBefore({})
    await until(() => expect(here.adoptions.map(({ outcome }) => outcome)).toEqual(['adopted', 'ended']))
    await until(() => expect(here.ledger.enrolments.all()).toEqual([]))
    expect(here.known.find('f1')).toBeUndefined()
  })

  it('does not count while it waits for the lock of the ledger, and goes when that is free', async () => {
    const here = machine(new MemorySharedEnrolments())
    here.enrolBefore({})
    const busy = new SqliteLedger(`${here.folder}/ledger.db`)
    await busy.longTransaction(async () => {
      await here.start()
      expect(here.ledger.enrolments.all()).toHaveLength(1)
      await here.store.change({ kind: 'disable', account: ALICE, label: 'Phone' }, terms())
      expect(here.known.find('f1')).toBeUndefined()
    })
    busy.close()
    await until(() => expect(here.ledger.enrolments.all()).toEqual([]))
    expect(here.known.find('f1')).toBeUndefined()
  })
})

describe('an audit entry that could not be written', () => {
  it('is written as soon as the ledger is free', async () => {
    const here = machine(new MemorySharedEnrolments())
    await here.start()
    const busy = new SqliteLedger(`${here.folder}/ledger.db`)
    await busy.longTransaction(async () => {
      await here.store.change(enrolling(), terms())
    })
    busy.close()
    const events = () => [...here.ledger.auditTrail()].map(({ text }) => JSON.parse(text).event)
    await until(() => expect(events()).toEqual(['log-started', 'enrolled']))
  })
})
