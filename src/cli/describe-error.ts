import { stripVTControlCharacters } from 'node:util'
import { didYouMean } from '../did-you-mean.ts'
import { type ErrorCode, XmppkiError } from '../errors.ts'

/** What the user could have meant. */
export interface KnownNames {
  /** Without dashes. */
  readonly flags: readonly string[]
  /** With spaces: `client issue`. */
  readonly commands: readonly string[]
}

/** An error as `--json` shows it, under the key `error`. */
export interface ErrorDocument {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly spec?: string
  readonly exitCode: number
}

/** What is thrown when the reader of our output has gone, or when `--help` has been answered. */
export function isQuietExit(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EEXIT' || error.code === 'EPIPE')
}

/** Any error as one of ours: oclif's parse errors become USAGE, everything unforeseen INTERNAL. */
export function describeError(error: unknown, known: KnownNames): XmppkiError {
  if (error instanceof XmppkiError) return new XmppkiError(error.code, withoutFrame(error.message), detailsOf(error))
  if (isOclifError(error)) return usageError(error, known)
  const text = error instanceof Error ? error.message : String(error)
  return new XmppkiError('INTERNAL', `internal error: ${text}`, {
    hint: 'set XMPPKI_DEBUG=1 to see where it came from, and report it',
    cause: error,
  })
}

/** The document for `--json`. */
export function errorDocument(error: XmppkiError): ErrorDocument {
  const { code, message, hint, spec, exitCode } = error
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(spec === undefined ? {} : { spec }),
    exitCode,
  }
}

function detailsOf({ hint, spec, cause }: XmppkiError) {
  return {
    ...(hint === undefined ? {} : { hint }),
    ...(spec === undefined ? {} : { spec }),
    cause,
  }
}

/** oclif writes around the messages of errors that a flag's parser throws. */
function withoutFrame(message: string): string {
  return message.replace(/^Parsing --\S+ \n\t/, '').replace(/\nSee more help with --help$/, '')
}

interface OclifError extends Error {
  readonly oclif: object
  /** Set by NonExistentFlagsError. */
  readonly flags?: unknown
  /** Set by RequiredArgsError (definitions) and UnexpectedArgsError (texts). */
  readonly args?: unknown
}

function isOclifError(error: unknown): error is OclifError {
  return error instanceof Error && 'oclif' in error && typeof error.oclif === 'object'
}

function usageError(error: OclifError, known: KnownNames): XmppkiError {
  const message = withoutFrame(error.message)
  const command = /^command (.+) not found$/.exec(message)?.[1]?.replaceAll(':', ' ')
  if (command !== undefined) return unknownCommand(command, known.commands)
  if (Array.isArray(error.args)) return badArguments(error.args, message)
  if (Array.isArray(error.flags)) return unknownFlag(String(error.flags[0]), known.flags)
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^The following errors? occurred:$/.test(line))
  const text = lines.map(ruleOfFlags).join('; ')
  return new XmppkiError('USAGE', text.charAt(0).toLowerCase() + text.slice(1), { hint: 'see --help', cause: error })
}

/** What oclif says about flags that belong together or do not, in our words and without values of any type. */
const RULES_OF_FLAGS: readonly (readonly [RegExp, string])[] = [
  [/^Missing required flag (\S+)$/, '--$1 is missing'],
  [/^(--[\w-]+)(?:=.*)? cannot also be provided when using (--[\w-]+)$/, '$1 and $2 cannot be given together'],
  [/^All of the following must be provided when using (--[\w-]+): (.+)$/, '$1 needs $2'],
]

function ruleOfFlags(line: string): string {
  return RULES_OF_FLAGS.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line)
}

/** A surplus argument is not repeated: it may be a secret that was meant as the value of a flag. */
function tooManyArguments(): XmppkiError {
  return new XmppkiError('USAGE', 'too many arguments', { hint: 'see --help' })
}

function badArguments(args: readonly unknown[], message: string): XmppkiError {
  if (!message.startsWith('Missing'))
    return new XmppkiError('USAGE', 'too many arguments', {
      hint: 'see --help',
    })
  const names = args.map((arg) => (typeof arg === 'object' && arg !== null && 'name' in arg ? String(arg.name) : ''))
  return new XmppkiError('USAGE', `missing argument: ${names.join(' ').toUpperCase()}`, { hint: 'see --help' })
}

/** USAGE, with the command that was meant if one is near. @param command its words */
export function unknownCommand(command: string, commands: readonly string[]): XmppkiError {
  // oclif takes the arguments into the name of the command that it does not find, above all surplus ones.
  const words = command.split(' ')
  const starts = words.map((_, index) => words.slice(0, index + 1).join(' '))
  if (starts.some((start) => commands.includes(start))) return tooManyArguments()
  const known = [...commands, ...topicsOf(commands)]
  const meant = didYouMean(words.slice(0, 2).join(' '), known) ?? didYouMean(words[0] ?? '', known)
  return new XmppkiError('USAGE', `unknown command: ${words.slice(0, 2).join(' ')}`, {
    hint: meant === undefined ? 'see: xmppki --help' : `did you mean: xmppki ${meant}`,
  })
}

/** `client` of `client issue`, which alone shows its help. */
function topicsOf(commands: readonly string[]): string[] {
  return commands.map((command) => command.split(' ').slice(0, -1).join(' ')).filter((topic) => topic !== '')
}

function unknownFlag(flag: string, flags: readonly string[]): XmppkiError {
  // The value after `=` may be a secret that was given to the wrong flag.
  const name = flag.split('=')[0] ?? flag
  const meant = name.startsWith('--') ? didYouMean(name.slice(2), flags) : undefined
  return new XmppkiError('USAGE', `unknown flag: ${name}`, {
    hint: meant === undefined ? 'see --help' : `did you mean --${meant}? see --help`,
  })
}
