import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { SqliteEventLog } from '../../../src/store/sqlite/event-log.ts'
import { SqliteUserData } from '../../../src/store/sqlite/user-data.ts'
import { describeEventLog, describeKeptEventLog, type LogPlace } from '../event-log-contract.ts'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-event-log-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const newPath = () => join(folder, `user-data-${count++}.db`)

async function open(path: string): Promise<LogPlace> {
  const file = new SqliteUserData(path)
  return { log: (collection) => new SqliteEventLog(file, collection), close: () => file.close() }
}

describeEventLog('sqlite', () => open(newPath()))
describeKeptEventLog('sqlite', async () => {
  const path = newPath()
  return () => open(path)
})
