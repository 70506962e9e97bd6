import { readdirSync } from 'node:fs'

/** File descriptors that a process has open, as Linux counts them. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
