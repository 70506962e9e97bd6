// Lets programs of the build use modules that are written in TypeScript.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Node 20 runs no TypeScript, so a bundle is imported, from dist/, where its packages are found.
 * @param entryPoint relative to the folder of package.json
 */
export async function importSource(entryPoint) {
  const outfile = join(root, 'dist', `.source.${process.pid}.mjs`)
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [entryPoint],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      format: 'esm',
      packages: 'external',
      logLevel: 'warning',
    })
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(outfile, { force: true })
  }
}
