// What the bundle that every start loads has in common with the one that runs commands: modules stand once, in the first.
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { COMMON } from './workers.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

const MAIN = 'src/main.ts'
const OCLIF = '@oclif/core'

/** main.ts gets the commands from the other bundle, and only when one is to run. */
export const withoutCommands = {
  name: 'without-commands',
  setup({ onResolve }) {
    onResolve({ filter: /\/commands\/index\.ts$/ }, () => ({ path: './xmppki.cjs', external: true }))
  },
}

/** @returns the sources that main.ts consists of, relative to the root */
async function sourcesOfMain() {
  const { metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: [MAIN],
    plugins: [withoutCommands],
    write: false,
    metafile: true,
    packages: 'external',
    outdir: 'dist',
  })
  return Object.keys(metafile.inputs).filter((path) => path.startsWith('src/') && path !== MAIN)
}

/** The first bundle exports what main.ts does, and `modules` for the second one. */
export async function startEntry() {
  const shared = await sourcesOfMain()
  const lines = [
    `export * from './${MAIN}'`,
    ...shared.map((path, index) => `import * as module${index} from './${path}'`),
    'export const modules = {',
    `  '${OCLIF}': require('${OCLIF}'),`,
    ...shared.map((path, index) => `  '${path}': module${index},`),
    '}',
  ]
  const name = 'start-entry'
  const plugin = {
    name,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, ({ path }) => ({ path, namespace: name }))
      onLoad({ filter: /.*/, namespace: name }, () => ({ contents: lines.join('\n'), resolveDir: root, loader: 'js' }))
    },
  }
  return { entry: { name, plugin }, shared }
}

/** Takes these modules, and oclif, from the first bundle: two copies of an error class would not know each other's errors. */
export function sharedWithStart(paths) {
  const name = 'shared-with-start'
  return {
    name,
    setup({ onResolve, onLoad, resolve }) {
      onResolve({ filter: /.*/ }, async ({ path, ...options }) => {
        if (path === OCLIF) return { path, namespace: name }
        if (!path.startsWith('.') || options.pluginData === name) return undefined
        const { path: file } = await resolve(path, { ...options, pluginData: name })
        const source = relative(root, file)
        return paths.includes(source) ? { path: source, namespace: name } : undefined
      })
      onLoad({ filter: /.*/, namespace: name }, ({ path }) => ({
        contents: `module.exports = require('./start.cjs').modules['${path}']`,
        loader: 'js',
      }))
      onResolve({ filter: /^\.\/start\.cjs$/, namespace: name }, ({ path }) => ({ path, external: true }))
    },
  }
}
