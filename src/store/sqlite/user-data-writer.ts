// The program of the thread that writes the file of user data: whoever serves never waits for a disk.
import { parentPort, workerData } from 'node:worker_threads'
import { XmppkiError } from '../../errors.ts'
import { explained, translated } from './driver.ts'
import { openUserData, USER_DATA_WORDS } from './user-data-schema.ts'
import { UserDataWrites } from './user-data-writes.ts'
import type { WriterAnswer, WriterOrder } from './writer-thread.ts'

/** Another process that holds the lock is one that makes a backup or repairs something. */
const PATIENCE_MS = 5_000

const path = workerData as string
let writes: UserDataWrites | undefined

function open(): UserDataWrites {
  const database = openUserData(path)
  database.exec(`PRAGMA busy_timeout = ${PATIENCE_MS}`)
  return translated(path, () => new UserDataWrites(database), USER_DATA_WORDS)
}

function apply({ number, change }: Exclude<WriterOrder, 'end'>): WriterAnswer {
  try {
    writes ??= open()
    return { number, value: writes.apply(change) }
  } catch (error) {
    const reason = explained(error, path, USER_DATA_WORDS)
    // Anything else is a defect, which ends the thread.
    if (!(reason instanceof XmppkiError)) throw error
    const { code, message, hint } = reason
    return { number, failure: { code, message, hint } }
  }
}

parentPort?.on('message', (order: WriterOrder) => {
  if (order === 'end') parentPort?.close()
  else parentPort?.postMessage(apply(order))
})
