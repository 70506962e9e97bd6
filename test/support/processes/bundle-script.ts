import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { COMMON, WORKERS } from '../../../bin/workers.mjs'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** A program that a test can start and kill. */
export interface Script {
  readonly path: string
  readonly env: NodeJS.ProcessEnv
}

/** Makes a program of a TypeScript file of the tests, which Node 20 cannot run, with its workers. @param folder where they are put */
export async function bundleScript(file: string, folder: string): Promise<Script> {
  await build({
    ...COMMON,
    absWorkingDir: ROOT,
    entryPoints: { script: file, ...WORKERS },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    logLevel: 'error',
  })
  return { path: join(folder, 'script.cjs'), env: { PATH: process.env['PATH'], NODE_PATH: join(ROOT, 'node_modules') } }
}
