import type { Interfaces } from '@oclif/core'
import { XmppkiError } from '../errors.ts'

type FlagDefinitions = Interfaces.FlagInput
type FlagDefinition = FlagDefinitions[string]

/** What a parser needs, with the environment worked into it. */
interface CommandLine {
  readonly flags: FlagDefinitions
  readonly argv: string[]
}

/** Words that switch a flag on, and off. */
export const ON = ['1', 'true', 'yes', 'y', 'on']
export const OFF = ['0', 'false', 'no', 'n', 'off']

/** What an environment variable says about a boolean flag; undefined when it is neither on nor off. */
export function switchOf(value: string | undefined): boolean | undefined {
  const word = value?.toLowerCase() ?? ''
  return ON.includes(word) ? true : OFF.includes(word) ? false : undefined
}

/**
 * Puts the flags that environment variables set in front of the command line. oclif does so only in part; here the
 * command line wins over a variable that contradicts it, a flag that may be repeated takes a list with commas, a word
 * that is neither on nor off is an error, and errors name the variable. An empty variable is as good as none.
 * @throws {XmppkiError} USAGE
 */
export function withEnvironment({ flags, argv }: CommandLine, environment: NodeJS.ProcessEnv): CommandLine {
  const entries = Object.entries(flags)
  const given = entries.filter(([name]) => isGiven(name, argv))
  const set = entries.flatMap(([name, flag]): [name: string, flag: FlagDefinition, words: string[]][] => {
    const value = flag.env === undefined ? undefined : environment[flag.env]
    if (flag.env === undefined || value === undefined || value === '') return []
    if (given.some(([other, otherFlag]) => other === name || excludeEachOther([name, flag], [other, otherFlag]))) {
      return []
    }
    return [[name, namingVariable(flag, flag.env), wordsOf(name, flag, flag.env, value)]]
  })
  const named = Object.fromEntries([...entries, ...set].map(([name, flag]) => [name, withoutVariable(flag)]))
  return { flags: named, argv: [...set.flatMap(([, , words]) => words), ...argv] }
}

/** As the parser sees it: up to `--`. No flag has a short form. */
export function isGiven(name: string, argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const words = end === -1 ? argv : argv.slice(0, end)
  return words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`))
}

/** What the flag `--name` was given on the command line; undefined without it. */
export function valueGiven(name: string, argv: readonly string[]): string | undefined {
  const index = argv.findLastIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  const word = argv[index]
  return word === `--${name}` ? argv[index + 1] : word?.slice(name.length + 3)
}

type NamedFlag = readonly [name: string, flag: FlagDefinition]

function excludeEachOther([name, flag]: NamedFlag, [other, otherFlag]: NamedFlag): boolean {
  return isAmong(other, flag.exclusive) || isAmong(name, otherFlag.exclusive)
}

function isAmong(name: string, exclusive: FlagDefinition['exclusive']): boolean {
  return (exclusive ?? []).some((entry) => entry === name)
}

function withoutVariable(flag: FlagDefinition): FlagDefinition {
  const { env: _unused, ...rest } = flag
  return rest
}

/** The words that say on the command line what the variable says. */
function wordsOf(name: string, flag: FlagDefinition, variable: string, value: string): string[] {
  if (flag.type === 'boolean') return isOn(variable, value) ? [`--${name}`] : []
  const items = flag.multiple ? value.split(',').map((item) => item.trim()) : [value]
  const wrong = items.find((item) => flag.options !== undefined && !flag.options.includes(item))
  if (wrong === undefined) return items.map((item) => `--${name}=${item}`)
  throw new XmppkiError('USAGE', `${variable}: '${wrong}' is not one of ${flag.options?.join(', ')}`)
}

function isOn(variable: string, value: string): boolean {
  const state = switchOf(value)
  if (state !== undefined) return state
  throw new XmppkiError('USAGE', `${variable} must be 1, true or yes, or 0, false or no, not '${value}'`)
}

/** Somebody who gets an error about a flag that is not there needs to know where its value comes from. */
function namingVariable(flag: FlagDefinition, variable: string): FlagDefinition {
  if (flag.type !== 'option') return flag
  const parse: typeof flag.parse = async (...input) => {
    try {
      return await flag.parse(...input)
    } catch (error) {
      throw error instanceof Error ? comingFrom(variable, error) : error
    }
  }
  // A flag that takes all the words behind it would take those of the command line.
  return { ...flag, parse, multipleNonGreedy: true } as FlagDefinition
}

function comingFrom(variable: string, error: Error): XmppkiError {
  const message = `${variable}: ${error.message}`
  if (!(error instanceof XmppkiError)) return new XmppkiError('USAGE', message, { cause: error })
  const { code, hint, spec } = error
  return new XmppkiError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(spec === undefined ? {} : { spec }),
    cause: error,
  })
}
