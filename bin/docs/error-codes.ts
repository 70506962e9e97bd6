import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'

/** An error that `--json` names, with the exit code that it leads to. */
export interface ErrorCodeFacts {
  readonly name: string
  readonly exitCode: number
  readonly meaning: string
}

const SOURCE = 'src/errors.ts'

/** The entries of EXIT_CODES with their comments, in order. @param root folder of the checkout */
export function readErrorCodes(root: string): ErrorCodeFacts[] {
  const text = readFileSync(join(root, SOURCE), 'utf8')
  const { program, comments } = parseSync(SOURCE, text)
  const declarations = program.body.flatMap((node) =>
    node.type === 'ExportNamedDeclaration' && node.declaration?.type === 'VariableDeclaration'
      ? node.declaration.declarations
      : [],
  )
  const table = declarations.find(({ id }) => id.type === 'Identifier' && id.name === 'EXIT_CODES')?.init
  const object = table?.type === 'TSAsExpression' ? table.expression : table
  if (object?.type !== 'ObjectExpression') throw new Error(`${SOURCE} has no EXIT_CODES that can be read`)
  return object.properties.map((property) => {
    if (property.type !== 'Property' || property.value.type !== 'Literal') {
      throw new Error(`${SOURCE}: EXIT_CODES has something that is not a plain number`)
    }
    const comment = comments.findLast(({ end }) => end <= property.start)
    return {
      name: text.slice(property.key.start, property.key.end),
      exitCode: Number(property.value.value),
      meaning: plain(comment?.value ?? ''),
    }
  })
}

function plain(comment: string): string {
  return comment
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .replace(/^\*/, '')
    .trim()
}

/** The errors of each exit code, by number; success first. */
export function byExitCode(errors: readonly ErrorCodeFacts[]): (readonly [code: number, errors: ErrorCodeFacts[]])[] {
  const codes = [...new Set(errors.map(({ exitCode }) => exitCode))].sort((a, b) => a - b)
  return codes.map((exitCode) => [exitCode, errors.filter((error) => error.exitCode === exitCode)] as const)
}
