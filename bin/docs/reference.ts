import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientsPage } from './clients-page.ts'
import { commandsPage } from './commands-page.ts'
import { configurationPage } from './configuration-page.ts'
import { environmentPage } from './environment-page.ts'
import { readErrorCodes } from './error-codes.ts'
import { exitCodesPage } from './exit-codes-page.ts'
import { featuresPage } from './features-page.ts'
import { jsonPage } from './json-page.ts'
import { readJsonShapes } from './json-shapes.ts'
import { readProgram } from './program-facts.ts'
import { refusalsPage } from './refusals-page.ts'

/** Where the pages stand, below the root. */
export const REFERENCE = 'docs/reference'

/**
 * The reference of the manual, made from the sources and from oclif.manifest.json, so after a build.
 * @param root folder of the checkout
 * @returns pages by the name of their file
 */
export function referencePages(root: string): Readonly<Record<string, string>> {
  const program = readProgram(root)
  const withJson = program.commands.filter(({ flags }) => flags.some(({ name }) => name === 'json'))
  const shapes = readJsonShapes(
    root,
    withJson.map(({ id }) => id),
  )
  return {
    'clients.md': clientsPage(),
    'commands.md': commandsPage(program),
    'configuration.md': configurationPage(),
    'environment.md': environmentPage(program, variablesIn(join(root, 'src'))),
    'exit-codes.md': exitCodesPage(readErrorCodes(root), program),
    'features.md': featuresPage(),
    'json.md': jsonPage(program, shapes),
    'refusals.md': refusalsPage(),
  }
}

/** Names of our environment variables in the sources below a folder. */
function variablesIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const names = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').match(/\bXMPPKI_[A-Z0-9_]+\b/g) ?? [])
  return [...new Set(names)]
}
