import { join } from 'node:path'

/** Where the program of a worker is: beside the program that starts it, as the build puts them. */
export function workerFile(name: string): string {
  return join(import.meta.dirname, `${name}.cjs`)
}
