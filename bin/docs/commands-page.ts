import { anchor, code, fenced, page, plain, table } from './markdown.ts'
import { argumentWord, type CommandFacts, type Flag, flagRules, flagWords, type ProgramFacts } from './program-facts.ts'

/** `--days=DAYS`, with all that is to be known of it. */
function flagRow(flag: Flag): string[] {
  const [word, value] = flagWords(flag)
  const said = [flag.summary, ...flagRules(flag)].filter((text) => text !== undefined).join('; ')
  const more = flag.description === undefined ? '' : `. ${flag.description}`
  return [code(value === undefined ? word : `${word}=${value}`), plain(`${said}${more}`), code(flag.env ?? '')]
}

const isOwn = ({ helpGroup }: Flag) => helpGroup !== 'GLOBAL'

function section({ name, summary, paragraphs, args, flags, exitCodes, examples }: CommandFacts): string[] {
  const synopsis = ['xmppki', name, ...args.map(argumentWord), ...(flags.length > 0 ? ['[FLAGS]'] : [])].join(' ')
  const own = flags.filter(isOwn)
  return [
    `## xmppki ${name}`,
    plain(summary),
    fenced('text', synopsis),
    ...paragraphs.map(plain),
    args.length === 0
      ? ''
      : table(
          ['argument', 'what it is'],
          args.map((arg) => [
            code(arg.name.toUpperCase()),
            plain([arg.description, ...(arg.options ? [`one of ${arg.options.join(', ')}`] : [])].join('; ')),
          ]),
        ),
    own.length === 0 ? '' : table(['flag', 'what it does', 'variable'], own.map(flagRow)),
    `Exit codes: ${exitCodes.map(([number, meaning]) => `${number} ${plain(meaning)}`).join('; ')}.`,
    fenced(
      'sh',
      examples.map(({ description, command }) => `# ${description.replace(/:$/, '')}\n${command}`).join('\n\n'),
    ),
  ]
}

/** Every command with its arguments, flags, exit codes and examples. */
export function commandsPage({ commands, topics }: ProgramFacts): string {
  const [first] = commands.filter(({ flags }) => flags.some((flag) => !isOwn(flag)))
  return page('Commands', [
    'What `xmppki help COMMAND` shows, for all commands. Every flag can also be set by the variable beside it: see [environment](environment.md). What `--json` prints is in [JSON](json.md).',
    table(
      ['command', 'what it does'],
      commands.map(({ name, summary }) => [`[${name}](#${anchor(`xmppki ${name}`)})`, plain(summary)]),
    ),
    '## Topics',
    table(
      ['topic', 'what it is about'],
      topics.map(({ name, description }) => [code(name), plain(description)]),
    ),
    '## Flags of all commands',
    'All commands but `completion` and `help` take these; `--help` belongs to all of them.',
    table(['flag', 'what it does', 'variable'], (first?.flags ?? []).filter((flag) => !isOwn(flag)).map(flagRow)),
    ...commands.flatMap(section),
  ])
}
