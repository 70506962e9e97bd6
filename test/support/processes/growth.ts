import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Patience with memory that others on the machine, the compiler or the allocator make look lost for a while. */
const ROUNDS = 12

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that JavaScript holds in this process after a collection, buffers included. */
export function heldBytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/**
 * What the same work adds when it is done again: the least of several rounds, as what is lost is lost in each of them. Ends
 * with the first round that adds no more than `enough`.
 */
export async function leastGrowth(
  round: () => Promise<unknown> | unknown,
  measure: () => Promise<number> | number,
  enough: number,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  let before = await measure()
  for (let rounds = 0; rounds < ROUNDS && least > enough; rounds++) {
    await round()
    const after = await measure()
    least = Math.min(least, after - before)
    before = after
  }
  return least
}
