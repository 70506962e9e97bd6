import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { TestProject } from 'vitest/node'
import { COMMON, WORKERS } from '../../../bin/workers.mjs'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder with the programs of workers. */
    workers: string
  }
}

/** Makes the programs of workers for tests that run the sources: Node 20 runs no TypeScript in a thread. */
export async function setup(project: TestProject): Promise<() => void> {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'xmppki-workers-'))
  await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: WORKERS,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    logLevel: 'error',
  })
  // Where they look for what they are not bundled with.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  project.provide('workers', folder)
  return () => rmSync(folder, { recursive: true })
}
