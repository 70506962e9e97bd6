import type { JsonShapes } from './json-shapes.ts'
import { anchor, fenced, page } from './markdown.ts'
import type { ProgramFacts } from './program-facts.ts'

/** Commands that do not print one document at their end, and what they print. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'ca:audit': 'One line for each of the `entries`, then one with `head` alone, as log shippers take it.',
  quickstart: 'Printed as soon as the login is proven; without `--check` the server runs on.',
  serve: 'One line for each event: the first when it listens, the last, which is this, when it has stopped.',
}

/** What each command prints with `--json`. */
export function jsonPage({ commands }: ProgramFacts, { commands: shapes, error, listening }: JsonShapes): string {
  const named = commands.filter(({ id }) => shapes.has(id))
  return page('JSON', [
    'With `--json`, or `XMPPKI_JSON=1`, a command prints its result as one JSON document on standard output and everything else on standard error. The shapes are in the notation of TypeScript, read from the types of the sources: `?` marks a key that may be missing, `|` separates what a value may be. A new version may add keys; none is renamed or changes its meaning.',
    'Where some of several things failed, the document has what was done and what failed, and the [exit code](exit-codes.md) tells.',
    '## Errors',
    'A command that fails prints `{ "error": … }` with this in it:',
    fenced('ts', error),
    '## Commands',
    `${named.map(({ name }) => `[${name}](#${anchor(`xmppki ${name}`)})`).join(', ')}.`,
    ...named.flatMap(({ id, name }) => [
      `### xmppki ${name}`,
      OTHERWISE[id] ?? '',
      ...(id === 'serve' ? [fenced('ts', listening)] : []),
      fenced('ts', shapes.get(id) ?? ''),
    ]),
  ])
}
