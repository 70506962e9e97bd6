import { byExitCode, type ErrorCodeFacts } from './error-codes.ts'
import { anchor, code, page, plain, table } from './markdown.ts'
import type { ProgramFacts } from './program-facts.ts'

/** Every exit code with the errors that lead to it, and what it means for each command. */
export function exitCodesPage(errors: readonly ErrorCodeFacts[], { commands }: ProgramFacts): string {
  const codes = byExitCode(errors)
  return page('Exit codes', [
    'Several errors share an exit code; with `--json` the error itself is in `error.code`.',
    table(
      ['exit code', 'error', 'meaning'],
      [
        ['0', '', 'Done.'],
        ...codes.flatMap(([exitCode, of]) =>
          of.map(({ name, meaning }) => [String(exitCode), code(name), plain(meaning)]),
        ),
      ],
    ),
    'A process that a signal ends has no exit code; a shell shows 128 and the number of the signal, so 130 after Ctrl-C.',
    '## By command',
    'What a code means for a command where that is more than its line above.',
    table(
      ['command', 'exit code', 'meaning'],
      commands.flatMap(({ name, exitCodes }) =>
        exitCodes
          .filter(([, meaning]) => !COMMON.has(meaning))
          .map(([number, meaning]) => [
            `[${name}](commands.md#${anchor(`xmppki ${name}`)})`,
            String(number),
            plain(meaning),
          ]),
      ),
    ),
  ])
}

/** As `exitCodes` of src/cli/exit-codes.ts has them for every command. */
const COMMON = new Set(['done', 'wrong flag, argument, name or input', 'the operating system refused'])
