import { type Command, Parser } from '@oclif/core'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/commands/index.ts'
import { EXIT_CODES } from '../../src/errors.ts'

interface Row {
  readonly name: string
  readonly command: Command.Class
}

const ROWS: readonly Row[] = Object.entries(COMMANDS).map(([id, command]) => ({
  name: id.replaceAll(':', ' '),
  command,
}))

const flagsOf = ({ baseFlags, flags }: Command.Class) => ({ ...baseFlags, ...flags })

const FLAGS = ROWS.flatMap(({ name, command }) =>
  Object.entries(flagsOf(command)).map(([flag, definition]) => ({ name, flag, definition })),
)

interface Example {
  readonly description: string
  readonly command: string
}

const EXAMPLES = ROWS.flatMap(({ name, command }) =>
  (command.examples as Example[]).map((example) => ({ name, command, line: example.command })),
)

/** The words of the first `xmppki …` in a line of shell, as far as examples use the shell. */
function wordsOf(line: string): string[] {
  const [, call = ''] = /<%= config\.bin %>([^|<>]*)/.exec(line) ?? []
  return [...call.replace(/(?<!\([^)]*)\)$/, '').matchAll(/"([^"]*)"|'([^']*)'|((?:\$\([^)]*\)|\S)+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  )
}

describe.each(ROWS)('$name', ({ command }) => {
  it('has a summary of one sentence, and a description', () => {
    expect(command.summary).toMatch(/^[A-Z][^.]*\.$/)
    expect(command.description?.length).toBeGreaterThan(100)
  })

  it('tells its exit codes in order, and only such as there are', () => {
    const [, text = ''] = /Exit codes: (.*)\.$/.exec(command.description ?? '') ?? []
    const codes = [...text.matchAll(/(?:^|, )(\d+) \S/g)].map(([, code]) => Number(code))
    expect(codes).toEqual(expect.arrayContaining([0, 2, 7]))
    expect(codes).toEqual([...new Set(codes)].sort((a, b) => a - b))
    expect([0, ...Object.values(EXIT_CODES)]).toEqual(expect.arrayContaining(codes))
  })

  it('has three examples, each with its purpose', () => {
    expect(command.examples.length).toBeGreaterThanOrEqual(3)
    for (const { description } of command.examples as Example[]) expect(description).toMatch(/^[A-Z].*[:?]$/)
  })

  it('says of every flag and argument what it is', () => {
    for (const { summary } of Object.values(flagsOf(command))) expect(summary).toMatch(/\S/)
    for (const { description } of Object.values(command.args)) expect(description).toMatch(/\S/)
  })
})

describe('the example', () => {
  it.each(EXAMPLES)('$line', async ({ name, command, line }) => {
    const words = wordsOf(line)
    const path = name.split(' ')
    expect(words.slice(0, path.length)).toEqual(path)
    const { args } = command
    await Parser.parse(words.slice(path.length), { args, flags: flagsOf(command) })
  })
})

describe('the environment variable', () => {
  it.each(FLAGS)('of $name --$flag ends with its name', ({ flag, definition }) => {
    const word = flag.toUpperCase().replaceAll('-', '_')
    expect(definition.env).toMatch(new RegExp(`^XMPPKI_([A-Z0-9]+_)*${word}$`))
  })

  it('sets one thing: flags with the same variable have the same kind of value, and no two defaults', () => {
    const kinds = new Map<string, Set<string>>()
    const defaults = new Map<string, Set<string>>()
    for (const { definition } of FLAGS) {
      const { env = '', type, default: value } = definition
      const many = type === 'option' && definition.multiple === true
      kinds.set(env, (kinds.get(env) ?? new Set()).add(`${type} ${many}`))
      if (value) defaults.set(env, (defaults.get(env) ?? new Set()).add(JSON.stringify(value)))
    }
    expect([...kinds, ...defaults].filter(([, found]) => found.size > 1)).toEqual([])
  })

  it('belongs to every flag but --help and --version, which are not flags of commands', () => {
    expect(FLAGS.filter(({ definition }) => definition.env === undefined)).toEqual([])
    expect(FLAGS.map(({ flag }) => flag)).not.toEqual(expect.arrayContaining(['help']))
  })
})
