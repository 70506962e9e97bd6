// Builds dist/: the two bundles of the command line and V8's code caches for them, a bundle for each worker thread, the
// licences of what is bundled, and the manual page. All bundles are CommonJS.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { importSource } from './import-source.mjs'
import { LEAN_START } from './lean-start.mjs'
import { sharedWithStart, startEntry, withoutCommands } from './start-bundle.mjs'
import { COMMON, WORKERS } from './workers.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const require = createRequire(import.meta.url)

/** Where oclif looks for it: in the folder of package.json. */
const MANIFEST = 'oclif.manifest.json'

/** Two builds may run at once (a test run beside a shell), so every file appears whole. */
function writeAtomic(name, content, folder = dist) {
  const temporary = join(dist, `.${name}.${process.pid}`)
  writeFileSync(temporary, content)
  renameSync(temporary, join(folder, name))
}

/** As load.cjs takes it: a function of the names that a CommonJS module has, in ASCII, which Node.js reads fastest. */
function asScript(code) {
  // esbuild leaves regular expressions as they are.
  const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `(function(exports,require,module,__filename,__dirname){${code.replace(/[\u0080-\uffff]/g, escaped)}\n})`
}

/** @returns texts by the name of their file in dist/, and the files that they are made of */
async function bundle(entryPoints, plugins = []) {
  const { outputFiles, metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    write: false,
    // A script from the code cache cannot import(), but require.
    supported: { 'dynamic-import': false },
    plugins: [...LEAN_START, ...plugins],
    // The ESM builds of @peculiar can be tree-shaken, the CommonJS ones cannot.
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
    // Stack traces and log lines tell functions and classes by their names. To rename them and to keep the names beside
    // (`keepNames`) would define a property for every function at every call that makes one: 3 % of a login.
    minifyIdentifiers: false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  return {
    texts: outputFiles.map(({ path, text }) => [basename(path), text]),
    inputs: Object.keys(metafile.inputs),
  }
}

function licences(inputs) {
  const packages = new Set(inputs.flatMap((input) => input.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []))
  const texts = [...packages].sort().map((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const file = readdirSync(join(root, folder)).find((name) => /^licen[cs]e/i.test(name))
    const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : `Licence: ${manifest.license}`
    return `${manifest.name} ${manifest.version}\n\n${text}\n`
  })
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

function removeOldCaches(current) {
  for (const name of readdirSync(dist)) {
    if (name.endsWith('.cache') && !current.includes(name)) rmSync(join(dist, name), { force: true })
  }
}

/** With its hash in the first line. @returns the name of the code cache that it will have */
function writeScript([name, text]) {
  const code = asScript(text)
  const id = createHash('sha256').update(code).digest('hex').slice(0, 16)
  writeAtomic(name, `//! ${id}\n${code}`)
  return `${basename(name, '.cjs')}-${id}.cache`
}

/** Runs in a process of its own: the cache should hold what a start of the CLI needs, and nothing of esbuild. */
async function writeCodeCache() {
  const { loaded, bundle, root: cliRoot } = require('./load.cjs')
  const write = process.stdout.write
  process.stdout.write = () => true
  // oclif would otherwise work out at every start what the commands and their flags are.
  writeAtomic(MANIFEST, JSON.stringify(await bundle.commandManifest(cliRoot)), root)
  await bundle.main(['--help'], cliRoot)
  await bundle.main(['client', 'issue', '--help'], cliRoot)
  process.stdout.write = write
  await bundle.loadCommands()
  for (const { cache, script } of loaded.values()) writeAtomic(cache, script.createCachedData())
}

/** The commands are known by their manifest, which is there by now. */
async function writeManPage() {
  const { manPage } = await importSource('bin/docs/man-page.ts')
  writeAtomic('xmppki.1', manPage(root))
}

if (process.argv[2] === '--code-cache') {
  await writeCodeCache()
} else {
  mkdirSync(dist, { recursive: true })
  const { entry, shared } = await startEntry()
  const [start, program, workers] = await Promise.all([
    bundle({ start: entry.name }, [withoutCommands, entry.plugin]),
    bundle({ xmppki: 'src/commands/index.ts' }, [sharedWithStart(shared)]),
    bundle(WORKERS),
  ])
  const caches = [...start.texts, ...program.texts].map(writeScript)
  for (const [file, content] of workers.texts) writeAtomic(file, content)
  writeAtomic('THIRD_PARTY_LICENSES.txt', licences([...start.inputs, ...program.inputs, ...workers.inputs]))
  execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--code-cache'], { stdio: 'inherit' })
  removeOldCaches(caches)
  await writeManPage()
}
