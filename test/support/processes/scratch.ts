import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { removeFolder } from './remove-folder.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder for what the tests of a lane have in common, whichever worker makes it first. */
    scratch: string
  }
}

export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'xmppki-scratch-'))
  project.provide('scratch', folder)
  return () => removeFolder(folder)
}
