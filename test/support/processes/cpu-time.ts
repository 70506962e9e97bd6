/** Milliseconds of processor time that this process has used: others on the machine make it late, and not longer. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** The compiler and the garbage collector run at times of their own, and their time counts. */
const TRIES = 3

/** Processor time that the work takes: the least of a few tries, the first that is no more than `enough`. */
export function leastCpuTime(work: () => void, enough: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < TRIES && least > enough; tries++) {
    const start = cpuTime()
    work()
    least = Math.min(least, cpuTime() - start)
  }
  return least
}
