// `npm run docs`: builds, and writes the reference of the manual (docs/reference/) from the sources.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importSource } from './import-source.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

execFileSync(process.execPath, ['bin/build.mjs'], { cwd: root, stdio: 'inherit' })
const { REFERENCE, referencePages } = await importSource('bin/docs/reference.ts')
const folder = join(root, REFERENCE)
// What is not made any more goes.
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const [name, text] of Object.entries(referencePages(root))) writeFileSync(join(folder, name), text)
