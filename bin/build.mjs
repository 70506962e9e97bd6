// Builds dist/: the bundles of the command line and V8's code caches for them, a bundle for each worker thread, the
// licences of what is bundled, and the manual page. All bundles are CommonJS.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildBundles, OPTIONS } from './bundles.mjs'
import { importSource } from './import-source.mjs'
import { WORKERS } from './workers.mjs'

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

/** JavaScript or JSON with the same meaning in ASCII, which Node.js reads fastest. */
function inAscii(code) {
  const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return code.replace(/[\u0080-\uffff]/g, escaped)
}

/** As load.cjs takes it: a function of the names that a CommonJS module has. */
function asScript(code) {
  // esbuild leaves the characters of regular expressions as they are.
  return `(function(exports,require,module,__filename,__dirname){${inAscii(code)}\n})`
}

/** @returns the worker threads' programs by the name of their file in dist/, and the files that they are made of */
async function buildWorkers() {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    entryPoints: WORKERS,
    outExtension: { '.js': '.cjs' },
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
function writeScript({ name, text }) {
  const code = asScript(text)
  const id = createHash('sha256').update(code).digest('hex').slice(0, 16)
  writeAtomic(`${name}.cjs`, `//! ${id}\n${code}`)
  return `${name}-${id}.cache`
}

/** What is run once before the code caches are written: they hold what V8 has compiled by then. */
const TYPICAL = [
  ['--help'],
  ['client', 'issue', '--help'],
  ['ca', 'init', '--no-passphrase'],
  ['client', 'issue', 'alice'],
  ['client', 'list'],
  ['client', 'revoke', 'alice'],
  ['user', 'add', 'alice', '--generate'],
  ['config', 'check'],
]

/** Those commands must not find the workspace or the database of whoever builds. */
function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('XMPPKI_')))
}

/** Runs in a process of its own: the caches should hold what a start of the CLI needs, and nothing of esbuild. */
async function writeCodeCaches() {
  const { loaded, bundle, root: cliRoot } = require('./load.cjs')
  // oclif would otherwise work out at every start what the commands and their flags are.
  writeAtomic(MANIFEST, inAscii(JSON.stringify(await bundle.commandManifest(cliRoot))), root)
  const home = mkdtempSync(join(tmpdir(), 'xmppki-build-'))
  const { stdout, stderr } = process
  const writes = [stdout.write, stderr.write]
  for (const stream of [stdout, stderr]) stream.write = () => true
  try {
    writeFileSync(join(home, 'xmppki.toml'), '[general]\nhosts = ["localhost"]\n')
    process.env.XMPPKI_HOME = home
    for (const argv of TYPICAL) await bundle.main(argv, cliRoot)
  } finally {
    ;[stdout.write, stderr.write] = writes
    rmSync(home, { recursive: true })
  }
  // They may have failed: this machine may lack SQLite.
  process.exitCode = 0
  for (const { cache, script } of loaded.values()) writeAtomic(cache, script.createCachedData())
}

/** The commands are known by their manifest, which is there by now. */
async function writeManPage() {
  const { manPage } = await importSource('bin/docs/man-page.ts')
  writeAtomic('xmppki.1', manPage(root))
}

if (process.argv[2] === '--code-cache') {
  await writeCodeCaches()
} else {
  mkdirSync(dist, { recursive: true })
  const [bundles, workers] = await Promise.all([buildBundles(), buildWorkers()])
  const caches = bundles.map(writeScript)
  for (const [file, content] of workers.texts) writeAtomic(file, content)
  writeAtomic('THIRD_PARTY_LICENSES.txt', licences([...bundles, workers].flatMap(({ inputs }) => inputs)))
  execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--code-cache'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: withoutSettings(process.env),
  })
  removeOldCaches(caches)
  await writeManPage()
}
