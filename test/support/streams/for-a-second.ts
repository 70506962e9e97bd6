import { setTimeout as later } from 'node:timers/promises'

/**
 * Waits for what the server does in this process, or for a second. Then what it had to do in that second is done, also on
 * a machine that stood still meanwhile: timers that are late fire in the order in which they were due. The words that it
 * has sent may still be on their way.
 */
export async function forASecond(event: Promise<unknown>): Promise<void> {
  const abort = new AbortController()
  await Promise.race([event, later(1_000, undefined, { signal: abort.signal }).catch(() => undefined)])
  abort.abort()
}
