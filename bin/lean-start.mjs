// Leaves out of the bundles what a start of the command line would load and never use: esbuild plugins.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Of oclif, for plugins and for commands that it would have to look for: our commands are named, in bin/commands.cjs. */
const UNUSED_PACKAGES = ['lilconfig', 'minimatch', 'semver', 'tinyglobby']

/** What some command lines need and most do not, but modules of oclif or ours import as soon as they are evaluated. */
const RARE_BUILTINS = ['node:child_process', 'node:fs/promises', 'node:perf_hooks', 'node:readline', 'node:v8']

/** In files of packages: what stands there, and what is to stand there instead. */
const EDITS = {
  // Its first call loads the collation tables of ICU: about 10 ms of every start, for ids that are ASCII.
  '@oclif/core/lib/config/plugin.js': ['a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'],
  // The package asks for the terminal and its colours as soon as it is there.
  '@oclif/core/lib/logger.js': ['require("debug")', '(process.env.DEBUG ? require("debug") : () => () => {})'],
  // The spinner brings 30 kB of pictures; no command of ours has one.
  '@oclif/core/lib/ux/index.js': ['require("./action/spinner")', 'require("./action/simple")'],
  // Two small files that everything waits for: threads for them cost more than they save.
  '@oclif/core/lib/util/fs.js': ['await (0, promises_1.readFile)(path', '(0, node_fs_1.readFileSync)(path'],
  // Of that package this is all it needs; the rest is for starting PowerShell, and makes ready for it at once.
  '@oclif/core/lib/util/os.js': ["(await import('wsl-utils')).isWsl", "(await import('is-wsl')).default"],
  // It asks for two streams that oclif has just asked for itself; node:tty would bring node:net.
  'supports-color/index.js': [
    "require('tty')",
    '{ isatty: (fd) => Boolean((fd === 1 ? process.stdout : process.stderr).isTTY) }',
  ],
}

const editedPackages = {
  name: 'edited-package',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules\/(@oclif\/core|supports-color)\/.*\.js$/ }, ({ path }) => {
      const edit = EDITS[path.replace(/^.*node_modules\//, '')]
      if (edit === undefined) return undefined
      const source = readFileSync(path, 'utf8')
      if (!source.includes(edit[0])) throw new Error(`${path} has no ${edit[0]} any more: see EDITS`)
      return { contents: source.replace(...edit), loader: 'js' }
    })
  },
}

const withoutUnusedPackages = {
  name: 'unused-package',
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(${UNUSED_PACKAGES.join('|')})$`)
    onResolve({ filter }, ({ path, importer }) =>
      importer.includes('@oclif/core') ? { path, namespace: 'unused-package' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'unused-package' }, () => ({ contents: '', loader: 'js' }))
  },
}

/** In place of each a module that has the same names and loads it when one of them is asked for. */
const lazyBuiltins = {
  name: 'lazy-builtin',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${RARE_BUILTINS.join('|')})$`) }, ({ path, namespace }) =>
      namespace === 'lazy-builtin' ? { path, external: true } : { path, namespace: 'lazy-builtin' },
    )
    onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => {
      const names = Object.getOwnPropertyNames(require(path)).filter((name) => name !== 'default')
      const getters = names.map((name) => `get ${name}() { return builtin().${name} },`)
      const contents = `let loaded\nconst builtin = () => (loaded ??= require('${path}'))\nmodule.exports = {${getters.join('\n')}}`
      return { contents, loader: 'js' }
    })
  },
}

export const LEAN_START = [editedPackages, withoutUnusedPackages, lazyBuiltins]
