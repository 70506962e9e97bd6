import type { EventLog } from '../../../src/store/event-log.ts'
import { PostgresDatabase } from '../../../src/store/postgres/database.ts'
import { PostgresEventLog } from '../../../src/store/postgres/event-log.ts'
import { SqliteEventLog } from '../../../src/store/sqlite/event-log.ts'
import { SqliteUserData } from '../../../src/store/sqlite/user-data.ts'

/** Where a log is. */
export interface Place {
  /** Of a PostgreSQL database; undefined: a file. */
  readonly url: string | undefined
  readonly path: string
}

export interface OpenLog {
  readonly log: EventLog
  close(): Promise<void>
}

/** Opens the log `archive`. @throws {XmppkiError} UNAVAILABLE */
export async function openLog({ url, path }: Place): Promise<OpenLog> {
  if (url === undefined) {
    const file = new SqliteUserData(path)
    return { log: new SqliteEventLog(file, 'archive'), close: () => file.close() }
  }
  const database = new PostgresDatabase(url)
  const log = new PostgresEventLog(database, 'archive')
  await log.prepare()
  return {
    log,
    close: async () => {
      await log.close()
      await database.close()
    },
  }
}

export const OWNERS = ['alice@example.org', 'bob@example.org', 'carol@example.org']
/** Entries that are appended in one go, so that they stand in one batch. */
export const GROUP = 12

/** Appends a group of entries, to all owners in turn. Their texts grow with `number`, which counts the groups. */
export function appendGroup(log: EventLog, number: number): { ids: readonly string[]; durable: Promise<unknown> } {
  const appended = Array.from({ length: GROUP }, (_, index) => {
    const text = `${String(number).padStart(9, '0')}/${String(index).padStart(2, '0')}`
    const at = Date.now()
    return log.append(OWNERS[index % OWNERS.length] ?? '', { at, peer: 'juliet@capulet.example', text })
  })
  return { ids: appended.map(({ id }) => id), durable: Promise.all(appended.map(({ durable }) => durable)) }
}
