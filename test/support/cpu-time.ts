/** Milliseconds of processor time that this process has used: others on the machine make it late, and not longer. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
