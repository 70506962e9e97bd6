import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** One import, re-export or `import()`. */
export interface Import {
  /** A file below the root (`src/errors.ts`), or a package name. */
  readonly target: string
  readonly isLocal: boolean
  /** Erased by TypeScript, so that nothing is loaded at run time. */
  readonly typeOnly: boolean
  /** By `import()`: loaded when it comes to that. */
  readonly isDynamic: boolean
  /** Names taken; `*` for all of them. */
  readonly names: readonly string[]
}

interface Export {
  readonly name: string
  readonly isType: boolean
}

export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly exports: readonly Export[]
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map((path) => join(folder, path))
    .sort()
}

function resolveTarget(from: string, specifier: string): { target: string; isLocal: boolean } {
  if (!specifier.startsWith('.')) return { target: specifier, isLocal: false }
  return { target: relative(root, normalize(join(root, dirname(from), specifier))), isLocal: true }
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  const { module, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const fixed = module.staticImports.map(({ moduleRequest, entries }) => ({
    ...resolveTarget(path, moduleRequest.value),
    typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
    isDynamic: false,
    names: entries.map(({ importName }) => importName.name ?? (importName.kind === 'Default' ? 'default' : '*')),
  }))
  const reExports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, importName, isType }) =>
      moduleRequest
        ? [
            {
              ...resolveTarget(path, moduleRequest.value),
              typeOnly: isType,
              isDynamic: false,
              names: [importName.name ?? '*'],
            },
          ]
        : [],
    ),
  )
  const dynamic = module.dynamicImports.map(({ moduleRequest }) => ({
    ...resolveTarget(path, text.slice(moduleRequest.start + 1, moduleRequest.end - 1)),
    typeOnly: false,
    isDynamic: true,
    names: namesOfDynamicImport(text, moduleRequest.start),
  }))
  const exports = module.staticExports.flatMap(({ entries }) =>
    entries.map(({ exportName, isType }) => ({
      name: exportName.name ?? (exportName.kind === 'Default' ? 'default' : '*'),
      isType,
    })),
  )
  return { path, text, imports: [...fixed, ...reExports, ...dynamic], exports }
}

/** `const { a, b } = await import('…')` takes a and b; any other use takes everything. */
function namesOfDynamicImport(text: string, at: number): string[] {
  const names = /const \{([^}]*)\} = await import\($/.exec(text.slice(0, at))?.[1]
  return names === undefined ? ['*'] : names.split(',').map((name) => name.trim())
}

/** Every TypeScript file below a folder of the root, parsed. */
export function readSources(folder: string): SourceFile[] {
  return filesBelow(folder).map(readSource)
}
