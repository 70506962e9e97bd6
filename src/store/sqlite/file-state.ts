import { type BigIntStats, statSync } from 'node:fs'

/** Which file it is, and whether it has been written to. */
export interface FileState {
  readonly id: string
  readonly version: string
}

/** Undefined when there is no such file, nothing in it, or no way to look at it. */
export function stateOf(path: string): FileState | undefined {
  try {
    const found: BigIntStats | undefined = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (found === undefined || found.size === 0n) return undefined
    return { id: `${found.dev} ${found.ino}`, version: `${found.size} ${found.mtimeNs}` }
  } catch {
    return undefined
  }
}

export function isSame(one: FileState, other: FileState | undefined): boolean {
  return one.id === other?.id && one.version === other.version
}
