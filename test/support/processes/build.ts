import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Tests that start processes run the real bundle, built from the sources as they are now. */
export function setup(): void {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  execFileSync(process.execPath, ['bin/build.mjs'], {
    cwd: root,
    stdio: 'inherit',
  })
}
