'use strict'
// Loads the bundle through V8's code cache: compiling a megabyte of JavaScript anew costs more than
// everything else that happens when the CLI starts.
const fs = require('node:fs')
const path = require('node:path')
const vm = require('node:vm')

// oclif would load a version parser at every start; npm has checked "engines" when it installed us.
process.env.OCLIF_DISABLE_ENGINE_WARNING = '1'

const dist = path.join(__dirname, '..', 'dist')
const file = path.join(dist, 'xmppki.cjs')

function readIfThere(name) {
  try {
    return fs.readFileSync(name)
  } catch {
    return undefined
  }
}

/** The compiled bundle, whose value is a CommonJS wrapper function: its script, and the name of its code cache. */
function compile() {
  // It is pure ASCII, and one byte a character is the fastest string to make.
  const source = readIfThere(file)?.toString('latin1')
  if (source === undefined) {
    process.stderr.write(`error: ${file} is missing\nhint: npm run build\n`)
    process.exit(1)
  }
  // V8 compares only the length of the source, so the name of the cache carries the bundle's hash.
  const id = source.slice('//! '.length, source.indexOf('\n'))
  const cachedData = readIfThere(path.join(dist, `xmppki-${id}.cache`))
  const script = new vm.Script(source, {
    filename: file,
    cachedData,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  return { id, script }
}

const { id, script } = compile()
const bundle = { exports: {} }
script.runInThisContext()(bundle.exports, require, bundle, file, dist)

module.exports = { id, script, bundle: bundle.exports, root: path.join(__dirname, '..') }
