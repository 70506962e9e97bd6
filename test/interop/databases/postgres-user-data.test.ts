import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresDatabase } from '../../../src/store/postgres/database.ts'
import { PostgresDocuments } from '../../../src/store/postgres/documents.ts'
import { PostgresEventLog } from '../../../src/store/postgres/event-log.ts'
import { type DocumentsPlace, describeDocuments, describeKeptDocuments } from '../../store/documents-contract.ts'
import { describeEventLog, describeKeptEventLog, entry, type LogPlace } from '../../store/event-log-contract.ts'
import { PostgresServer } from './postgres-server.ts'

const ALICE = 'alice@example.org'
const NOON = Date.UTC(2026, 0, 1, 12)

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.remove())

async function openDocuments(url: string): Promise<DocumentsPlace> {
  const database = new PostgresDatabase(url)
  await database.prepare()
  return {
    documents: (collection) => new PostgresDocuments(database, collection),
    close: () => database.close(),
  }
}

async function openLogs(url: string): Promise<LogPlace> {
  const database = new PostgresDatabase(url)
  const [archive, offline] = ['archive', 'offline'].map((collection) => new PostgresEventLog(database, collection))
  const logs = [archive, offline].filter((log) => log !== undefined)
  await Promise.all(logs.map((log) => log.prepare()))
  return {
    log: (collection) => {
      const log = collection === 'archive' ? archive : offline
      if (log === undefined) throw new Error(`no log ${collection}`)
      return log
    },
    close: async () => {
      await Promise.all(logs.map((log) => log.close()))
      await database.close()
    },
  }
}

describeDocuments('postgres', async () => openDocuments(server.url(await server.emptyDatabase())))
describeKeptDocuments('postgres', async () => {
  const url = server.url(await server.emptyDatabase())
  return () => openDocuments(url)
})
describeEventLog('postgres', async () => openLogs(server.url(await server.emptyDatabase())))
describeKeptEventLog('postgres', async () => {
  const url = server.url(await server.emptyDatabase())
  return () => openLogs(url)
})

describe('PostgresDocuments', () => {
  it('come one after the other from several servers, whatever they do', async () => {
    const url = server.url(await server.emptyDatabase())
    const places = await Promise.all([openDocuments(url), openDocuments(url)])
    const both = places.map((place) => place.documents('roster'))
    const versions = new Map<number, boolean>()
    const work = both.flatMap((documents, number) =>
      Array.from({ length: 20 }, async () => {
        const isPut = number === 0
        versions.set(await documents.write(ALICE, new Map([['x', isPut ? 1 : undefined]])), isPut)
      }),
    )
    await Promise.all(work)
    expect([...versions.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
    expect((await both[0]?.get(ALICE, 'x')) === 1).toBe(versions.get(40))
    for (const place of places) await place.close()
  })
})

describe('PostgresEventLog', () => {
  it('writes nothing of a batch that fails, and what comes later', async () => {
    const name = await server.emptyDatabase()
    const place = await openLogs(server.url(name))
    const log = place.log('archive')
    await server.sql(name, `ALTER TABLE xmppki_event ADD CONSTRAINT poison CHECK (text <> 'c')`)
    const lost = [...'abcd'].map((text) => log.append(ALICE, entry(text)).durable)
    for (const durable of lost) await expect(durable).rejects.toMatchObject({ code: 'IO' })
    await server.sql(name, 'ALTER TABLE xmppki_event DROP CONSTRAINT poison')
    expect(await log.count(ALICE)).toBe(0)
    await log.append(ALICE, entry('e')).durable
    expect(await log.count(ALICE)).toBe(1)
    await place.close()
  })

  it('keeps the ids of several servers in order, when they append in turn and the clock of one is behind', async () => {
    const url = server.url(await server.emptyDatabase())
    const [first, second] = await Promise.all([openLogs(url), openLogs(url)])
    const ids: string[] = []
    for (const [place, at] of [first, second, first, second, second, first].map(
      (one) => [one, one === first ? 0 : NOON] as const,
    )) {
      // Whoever has a turn has seen what the others did in the turn before.
      await place.log('archive').append('somebody@example.org', entry('x', { at })).durable
      const { id, durable } = place.log('archive').append(ALICE, entry('x', { at }))
      await durable
      ids.push(id)
    }
    expect(ids.toSorted()).toEqual(ids)
    await Promise.all([first.close(), second.close()])
  })

  it('refuses ids that it made up before it could see the database, when they are too low', async () => {
    const url = server.url(await server.emptyDatabase())
    const before = await openLogs(url)
    await before.log('archive').append(ALICE, entry('a', { at: NOON })).durable
    await before.close()
    const database = new PostgresDatabase(url)
    const log = new PostgresEventLog(database, 'archive')
    const early = log.append(ALICE, entry('b', { at: NOON - 1 }))
    await expect(early.durable).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await log.append(ALICE, entry('c', { at: NOON - 1 })).durable
    const { entries } = await log.page(ALICE, { max: 10, from: 'oldest' })
    expect(entries.map(({ text }) => text)).toEqual(['a', 'c'])
    await database.close()
  })
})
