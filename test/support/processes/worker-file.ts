import { join } from 'node:path'
import { inject } from 'vitest'

/** In place of src/store/sqlite/worker-file.ts where Vitest runs the sources. */
export function workerFile(name: string): string {
  return join(inject('workers'), `${name}.cjs`)
}
