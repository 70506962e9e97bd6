// Which bundles the command line consists of, and what is in which: every module stands in one of them. Two copies of an
// error class would not know each other's errors.
import { createRequire } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { LEAN_START } from './lean-start.mjs'
import { COMMON } from './workers.mjs'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * A bundle has what its roots lead to and no bundle before it has. Those before it reach its roots by import() alone, and
 * load it no sooner.
 */
const BUNDLES = [
  { name: 'start', roots: ['src/main.ts'] },
  { name: 'xmppki', roots: ['src/commands/index.ts'] },
  {
    name: 'signing',
    roots: [
      'src/pki/csr/certification-request-info.ts',
      'src/pki/issue/tbs-certificate.ts',
      'src/pki/keys/webcrypto-signer.ts',
      'src/pki/revocation/tbs-cert-list.ts',
    ],
  },
  {
    name: 'rest',
    roots: [
      'src/accounts/import-accounts.ts',
      'src/accounts/prepare.ts',
      'src/cli/user-list.ts',
      'src/commands/user/account-source.ts',
      'src/config/mongooseim/import-config.ts',
      'src/doctor/connection-doctor.ts',
      'src/doctor/workspace-doctor.ts',
      'src/pki/issue/cross-check.ts',
      'src/service/logger.ts',
      'src/service/quickstart.ts',
      'src/service/service.ts',
      'src/store/postgres/accounts.ts',
      'src/store/postgres/database.ts',
      'src/store/postgres/enrolments.ts',
      'src/store/postgres/revocations.ts',
      'src/workspace/backup/backup.ts',
      'src/workspace/backup/restore.ts',
    ],
  },
]

/** How a bundle asks for another one. */
const SIBLING = /^\.\/\w+\.cjs$/

/** How bundles for the package are made. */
export const OPTIONS = {
  ...COMMON,
  absWorkingDir: root,
  outdir: 'dist',
  write: false,
  metafile: true,
  // A script from the code cache cannot import(), but require.
  supported: { 'dynamic-import': false },
  // The ESM builds of @peculiar can be tree-shaken, the CommonJS ones cannot.
  mainFields: ['module', 'main'],
  minifySyntax: true,
  minifyWhitespace: true,
  // Stack traces and log lines tell functions and classes by their names. To rename them and to keep the names beside
  // (`keepNames`) would define a property for every function at every call that makes one: 3 % of a login.
  minifyIdentifiers: false,
  legalComments: 'none',
  logLevel: 'warning',
}

/** Of names in a metafile: one with a colon is a module that a plugin makes. */
const isFile = (name) => !name.includes(':')

/** @returns what this source imports and need not wait for a later bundle, whose roots these are */
function importedNow(path, imports, laterRoots) {
  const files = imports.filter(({ path: target, external }) => !external && isFile(target))
  for (const { path: target, kind } of files) {
    if (laterRoots.has(target) && kind !== 'dynamic-import')
      throw new Error(`${path} imports ${target} at once: see BUNDLES`)
  }
  return files.map(({ path: target }) => target).filter((target) => !laterRoots.has(target))
}

/** @returns the name of the bundle that has it, by the path of each source */
async function planBundles() {
  const { metafile } = await build({ ...OPTIONS, entryPoints: ['src/main.ts'], plugins: LEAN_START })
  const owners = new Map()
  const laterRoots = new Set(BUNDLES.flatMap(({ roots }) => roots))
  for (const { name, roots } of BUNDLES) {
    for (const path of roots) laterRoots.delete(path)
    const waiting = [...roots]
    for (const path of waiting) {
      const source = metafile.inputs[path]
      if (source === undefined) throw new Error(`nothing imports ${path}: see BUNDLES`)
      if (owners.has(path)) continue
      owners.set(path, name)
      waiting.push(...importedNow(path, source.imports, laterRoots))
    }
  }
  return owners
}

/** @returns the names that each of these exports, by its path: our sources, and the package that every command imports */
async function exportedNames(paths) {
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: paths.filter((path) => path.startsWith('src/')),
    bundle: false,
    external: [],
    outbase: '.',
    format: 'esm',
  })
  const sources = Object.values(metafile.outputs).map(({ entryPoint, exports }) => [entryPoint, exports])
  const oclif = '@oclif/core'
  return new Map([...sources, [relative(root, require.resolve(oclif)), Object.keys(require(oclif))]])
}

/** Takes from the other bundles what they have. @param asked gets the paths that are taken */
function linked(bundle, owners, names, asked) {
  const name = 'linked'
  return {
    name,
    setup({ onResolve, onLoad, resolve }) {
      onResolve({ filter: /.*/ }, async ({ path, ...options }) => {
        if (options.kind === 'entry-point' || options.pluginData === name || options.namespace === name)
          return undefined
        const { path: file } = await resolve(path, { ...options, pluginData: name })
        const source = relative(root, file)
        const owner = owners.get(source)
        if (owner === undefined || owner === bundle) return undefined
        asked.add(source)
        // A name in .mjs would forbid it `module`.
        return { path: `${source}.cjs`, namespace: name, pluginData: source }
      })
      onLoad({ filter: /.*/, namespace: name }, ({ pluginData: path }) => {
        const taken = `require('./${owners.get(path)}.cjs').modules['${path}']()`
        // Variables: esbuild would define a property for every name, anew in every file that imports it, and look each up
        // at every use.
        const contents = names.has(path)
          ? `const taken = ${taken}\nexport const { ${names.get(path).join(', ')} } = taken`
          : `module.exports = ${taken}`
        return { contents, loader: 'js' }
      })
      onResolve({ filter: SIBLING, namespace: name }, ({ path }) => ({ path, external: true }))
    },
  }
}

/**
 * A bundle exports `modules`: functions by the paths of what the others ask for. It loads the one before it at once: a server
 * must not be without any when an upgrade replaces the files.
 */
function entry(paths, previous) {
  const name = 'bundle-entry'
  const lines = paths.map((path) => `  '${path}': () => require('./${path}'),`)
  const head = previous === undefined ? '' : `require('./${previous}.cjs')\n`
  const contents = `${head}export const modules = {\n${lines.join('\n')}\n}`
  return {
    name,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: SIBLING, namespace: name }, ({ path }) => ({ path, external: true }))
      onResolve({ filter: new RegExp(`^${name}$`) }, ({ path }) => ({ path, namespace: name }))
      onLoad({ filter: /.*/, namespace: name }, () => ({ contents, resolveDir: root, loader: 'js' }))
    },
  }
}

/** @returns for each bundle its name, its text, and the files that it is made of */
export async function buildBundles() {
  const owners = await planBundles()
  const names = await exportedNames([...owners.keys()])
  const asked = new Set(BUNDLES.flatMap(({ roots }) => roots))
  const built = []
  // What a bundle has to export is known when those after it are there.
  for (const [index, { name }] of [...BUNDLES.entries()].reverse()) {
    const exported = [...asked].filter((path) => owners.get(path) === name)
    const { outputFiles, metafile } = await build({
      ...OPTIONS,
      entryPoints: { [name]: 'bundle-entry' },
      plugins: [...LEAN_START, entry(exported, BUNDLES[index - 1]?.name), linked(name, owners, names, asked)],
    })
    built.push({ name, text: outputFiles[0].text, inputs: Object.keys(metafile.inputs).filter(isFile) })
  }
  return built
}
