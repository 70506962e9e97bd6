// A process that appends to a log until it is killed. Its argument says to which and from which group on; it writes the ids
// of each group, as JSON, when they are durable.
import { writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { appendGroup, openLog, type Place } from './event-log-place.ts'

/** What the process is to do. */
export interface Order extends Place {
  readonly first: number
}

/** Enough to have something in every batch, and an end to what waits. */
const MOST_WAITING = 50

async function obey({ first, ...place }: Order): Promise<void> {
  const { log } = await openLog(place)
  let waiting = 0
  for (let number = first; ; number++) {
    const { ids, durable } = appendGroup(log, number)
    waiting++
    void durable.then(() => {
      waiting--
      writeSync(1, `${JSON.stringify({ event: 'durable', number, ids })}\n`)
    })
    do await nextTurn()
    while (waiting >= MOST_WAITING)
  }
}

void obey(JSON.parse(process.argv[2] ?? '') as Order)
