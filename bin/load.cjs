'use strict'
// Loads the bundles through V8's code cache: compiling megabytes of JavaScript anew costs more than everything else that
// happens when the CLI starts. There are several, because most command lines need a small part of it: `start`, which is
// enough for help, has oclif and what refuses a command line; bin/bundles.mjs says what the others have.
const fs = require('node:fs')
const path = require('node:path')
const vm = require('node:vm')

// oclif would load a version parser at every start; npm has checked "engines" when it installed us.
process.env.OCLIF_DISABLE_ENGINE_WARNING = '1'

const dist = path.join(__dirname, '..', 'dist')

/** Those that have been loaded, by their names. */
const loaded = new Map()

function readIfThere(name) {
  try {
    return fs.readFileSync(name)
  } catch {
    return undefined
  }
}

/** A compiled bundle, whose value is a CommonJS wrapper function: its script, and the name of its code cache. */
function compile(name) {
  const file = path.join(dist, `${name}.cjs`)
  // It is pure ASCII, and one byte a character is the fastest string to make.
  const source = readIfThere(file)?.toString('latin1')
  if (source === undefined) {
    process.stderr.write(`error: ${file} is missing\nhint: npm run build\n`)
    process.exit(1)
  }
  // V8 compares only the length of the source, so the name of the cache carries the bundle's hash.
  const id = source.slice('//! '.length, source.indexOf('\n'))
  const cache = `${name}-${id}.cache`
  const script = new vm.Script(source, {
    filename: file,
    cachedData: readIfThere(path.join(dist, cache)),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  return { file, cache, script }
}

/** What a bundle exports; it is run when it is asked for first. */
function load(name) {
  const found = loaded.get(name)
  if (found !== undefined) return found.bundle.exports
  const { file, cache, script } = compile(name)
  const bundle = { exports: {} }
  loaded.set(name, { bundle, cache, script })
  script.runInThisContext()(bundle.exports, requireFor, bundle, file, dist)
  return bundle.exports
}

/** `require` of the bundles, which ask for each other by `./NAME.cjs`. */
function requireFor(name) {
  const [, sibling] = /^\.\/(\w+)\.cjs$/.exec(name) ?? []
  return sibling === undefined ? require(name) : load(sibling)
}

module.exports = { loaded, bundle: load('start').modules['src/main.ts'](), root: path.join(__dirname, '..') }
