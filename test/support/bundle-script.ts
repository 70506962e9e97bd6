import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A program that a test can start and kill. */
export interface Script {
  readonly path: string
  readonly env: NodeJS.ProcessEnv
}

/** Makes a program of a TypeScript file of the tests: Node 20 runs none. @param folder where it is put */
export async function bundleScript(file: string, folder: string): Promise<Script> {
  const path = join(folder, 'script.cjs')
  await build({
    absWorkingDir: ROOT,
    entryPoints: [file],
    outfile: path,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    external: ['@photostructure/sqlite'],
    logLevel: 'error',
  })
  return { path, env: { PATH: process.env['PATH'], NODE_PATH: join(ROOT, 'node_modules') } }
}
