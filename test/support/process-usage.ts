import { readdirSync, readFileSync } from 'node:fs'

/** What a process holds at a moment, as Linux counts it. */
export interface ProcessUsage {
  /** Open file descriptors. */
  readonly descriptors: number
  /** Resident memory in bytes. */
  readonly memory: number
}

export function usageOf(pid: number): ProcessUsage {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, memory: Number(kibibytes) * 1024 }
}
