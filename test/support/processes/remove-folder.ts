import { rmSync } from 'node:fs'

/** Half a minute: a busy machine takes its time to end them. */
const TRIES = 300
const DELAY_MS = 100

/**
 * Removes a folder that programs may still be writing to, which were told to end. `rmSync` itself tries again, but without
 * a second look at what is there.
 */
export function removeFolder(path: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      rmSync(path, { recursive: true, force: true })
      return
    } catch (error) {
      if (tries === TRIES) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, DELAY_MS)
    }
  }
}
