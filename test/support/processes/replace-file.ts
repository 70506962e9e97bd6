import { renameSync, writeFileSync } from 'node:fs'

/** Puts a file in the place of another at once: whoever watches it never sees an empty one, or a part. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}
