import { afterEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { verifyChain } from '../../../src/store/audit.ts'
import type { Enrolment } from '../../../src/store/enrolments.ts'
import { MemorySharedEnrolments } from '../../../src/store/memory/shared-enrolments.ts'
import type { SharedChange } from '../../../src/store/shared-enrolments.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { ReplicatedStore } from '../../support/servers/replicated-store.ts'
import { ALICE, enrolling, enrolment, terms } from '../enrolment-samples.ts'
import { describeEnrolmentStore } from '../enrolment-store-contract.ts'

describeEnrolmentStore('replicated', async () => new ReplicatedStore(new MemorySharedEnrolments()))

/** A database whose connection is lost at one moment: before it answers, is asked what is owed, or is told what is there. */
class LosingEnrolments extends MemorySharedEnrolments {
  loses: 'nothing' | 'answer' | 'owed' | 'settle' = 'nothing'

  override async change(change: SharedChange) {
    const changed = await super.change(change)
    if (this.loses === 'answer') throw lost()
    return changed
  }

  override owed(server: string) {
    return this.loses === 'owed' ? Promise.reject(lost()) : super.owed(server)
  }

  override settle(numbers: readonly number[]) {
    return this.loses === 'settle' ? Promise.reject(lost()) : super.settle(numbers)
  }
}

const lost = () => new XmppkiError('UNAVAILABLE', 'the database cannot be reached')

let open: ReplicatedStore[] = []
afterEach(async () => {
  for (const one of open) await one.close()
  open = []
})

function openStore(...args: ConstructorParameters<typeof ReplicatedStore>): ReplicatedStore {
  const store = new ReplicatedStore(...args)
  open.push(store)
  return store
}

const entries = ({ ledger }: ReplicatedStore) => {
  const [, ...rest] = verifyChain(ledger.auditTrail())
  return rest.map(({ event, details }) => `${event} ${details?.['label']} ${details?.['change']}`)
}

/** As the server does that is started next on the workspace of one that was killed. */
function afterKill(killed: ReplicatedStore): ReplicatedStore {
  killed.stop()
  open = open.filter((one) => one !== killed)
  return openStore(killed.database, killed.folder)
}

describe('the audit entry of a change', () => {
  it('says its number in the database', async () => {
    const t = openStore(new MemorySharedEnrolments())
    await t.store.change(enrolling(), terms())
    await t.store.change({ kind: 'revoke-all', account: ALICE }, terms())
    expect(entries(t)).toEqual(['enrolled Phone 1', 'enrolment-revoked Phone 2'])
  })

  it.each([
    ['it is written', 'owed'],
    ['the database knows of it', 'settle'],
  ] as const)('is there once when the process is killed before %s', async (_when, loses) => {
    const database = new LosingEnrolments()
    const killed = openStore(database)
    database.loses = loses
    expect(await killed.store.change(enrolling(), terms())).toMatchObject({ ended: [] })
    expect(killed.owed).toMatchObject([{ code: 'UNAVAILABLE' }])
    expect(killed.known.find('f1')).toStrictEqual(enrolment())
    expect(entries(killed)).toEqual(loses === 'owed' ? [] : ['enrolled Phone 1'])
    database.loses = 'nothing'
    const next = afterKill(killed)
    expect(next.known.find('f1')).toStrictEqual(enrolment())
    await next.store.settle()
    expect(entries(next)).toEqual(['enrolled Phone 1'])
    await next.store.change(enrolling({ label: 'Laptop', fingerprint: 'f2' }), terms())
    expect(entries(next)).toEqual(['enrolled Phone 1', 'enrolled Laptop 2'])
  })

  it('is there once when the answer of the database is lost', async () => {
    const database = new LosingEnrolments()
    const t = openStore(database)
    await t.store.settle()
    database.loses = 'answer'
    await expect(t.store.change(enrolling(), terms())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    database.loses = 'nothing'
    await t.store.settle()
    await t.store.settle()
    expect(entries(t)).toEqual(['enrolled Phone 1'])
  })

  it('is for the workspace that made the change, and nobody else writes it', async () => {
    const database = new LosingEnrolments()
    const [writer, other] = [openStore(database), openStore(database)]
    database.loses = 'owed'
    await writer.store.change(enrolling(), terms())
    database.loses = 'nothing'
    await other.store.settle()
    expect(entries(other)).toEqual([])
    await writer.store.settle()
    expect(entries(writer)).toEqual(['enrolled Phone 1'])
  })

  it('waits for the ledger, and the change does not', async () => {
    const t = openStore(new MemorySharedEnrolments())
    const busy = new SqliteLedger(`${t.folder}/ledger.db`)
    await busy.longTransaction(async () => {
      expect(await t.store.change(enrolling(), terms())).toMatchObject({ ended: [] })
    })
    expect([t.owed.map(({ code }) => code), entries(t)]).toEqual([['IO'], []])
    await t.store.settle()
    expect(entries(t)).toEqual(['enrolled Phone 1'])
    busy.close()
  })
})

describe('what the ledger had before', () => {
  const enrolInLedger = ({ ledger }: ReplicatedStore, given: Partial<Enrolment> = {}) =>
    ledger.transaction((_insert, changes) => changes.enrol(enrolment(given)))

  it('counts until a database has been read', async () => {
    const t = openStore(new MemorySharedEnrolments())
    enrolInLedger(t)
    expect([t.known.find('f1'), t.known.list(ALICE)]).toStrictEqual([enrolment(), [enrolment()]])
    await t.replica.begin()
    await t.replica.complete()
    expect([t.known.find('f1'), t.known.list(ALICE)]).toStrictEqual([undefined, []])
  })

  it('is in the way of a change, and is changed, also before it has been moved', async () => {
    const t = openStore(new MemorySharedEnrolments())
    enrolInLedger(t)
    expect(await t.store.change(enrolling({ fingerprint: 'f2' }), terms())).toEqual({ refusal: 'label' })
    const all = { kind: 'revoke-all', account: ALICE } as const
    expect(await t.store.change(all, terms())).toEqual({ ended: [enrolment()] })
    expect([t.known.isRevoked(ALICE, 'f1'), await t.database.list(ALICE)]).toEqual([true, []])
    await t.store.adopt(ALICE, t.ledger.enrolments.all())
    expect(t.adoptions.at(-1)).toMatchObject({ outcome: 'revoked' })
    t.store.forget(t.ledger.enrolments.all())
    expect(t.ledger.enrolments.all()).toEqual([])
  })

  it('stays in the ledger when it is another certificate by now', () => {
    const t = openStore(new MemorySharedEnrolments())
    enrolInLedger(t, { fingerprint: 'f2' })
    t.store.forget([enrolment()])
    expect(t.ledger.enrolments.all()).toHaveLength(1)
  })
})
