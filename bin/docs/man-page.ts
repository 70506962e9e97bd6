import { byExitCode, readErrorCodes } from './error-codes.ts'
import {
  argumentWord,
  type CommandFacts,
  type Flag,
  flagRules,
  flagWords,
  type ProgramFacts,
  readProgram,
} from './program-facts.ts'

/** A file or folder of the workspace, and what it is. */
const FILES: readonly (readonly [path: string, what: string])[] = [
  ['~/.local/share/xmppki', 'The workspace without --home and XMPPKI_HOME; below XDG_DATA_HOME where that is set.'],
  ['xmppki.toml', 'In the workspace: the configuration of serve.'],
  ['ca/root.crt, ca/root.key, ca/root.crl', 'In the workspace: the CA, its private key, and what it has revoked.'],
  [
    'clients/DOMAIN/USER/',
    'In the workspace: key, certificate and bundle of a user; USER@DEVICE for a further device.',
  ],
  ['server/DOMAIN/', 'In the workspace: key and certificate of a server.'],
  ['ledger.db', 'In the workspace: every certificate that was issued, and the audit log.'],
]

/** Text of a paragraph, as roff prints it unchanged. */
function text(words: string): string {
  return words
    .replaceAll('…', '...')
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replace(/^\./gm, '\\&.')
    .replace(
      /[\u0080-\uffff]/g,
      (character) => `\\[u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
}

/** An argument of a macro. */
const quoted = (words: string) => `"${text(words).replaceAll('"', '\\(dq')}"`

const bold = (words: string) => `\\fB${text(words)}\\fR`
const italic = (words: string) => `\\fI${text(words)}\\fR`

const section = (title: string) => `.SH ${quoted(title.toUpperCase())}`

/** Paragraphs with a tag that hangs out to the left. */
const tagged = (tag: string, body: string) => `.TP\n${tag}\n${body}`

function flagEntry(flag: Flag): string {
  const [word, value] = flagWords(flag)
  const tag = value === undefined ? bold(word) : `${bold(`${word}=`)}${italic(value)}`
  const said = [flag.summary ?? '', ...flagRules(flag), ...(flag.env ? [`environment: ${flag.env}`] : [])].join('; ')
  const more = flag.description === undefined ? '' : ` ${flag.description}`
  return tagged(tag, text(`${said}.${more}`))
}

const isOwn = ({ helpGroup }: Flag) => helpGroup !== 'GLOBAL'

function command({ name, summary, paragraphs, args, flags, exitCodes, examples }: CommandFacts): string[] {
  const own = flags.filter(isOwn)
  const words = [bold(`xmppki ${name}`), ...args.map((arg) => italic(argumentWord(arg)))]
  return [
    `.SS ${quoted(`xmppki ${name}`)}`,
    text(summary),
    '.PP',
    [...words, ...(flags.length > 0 ? [`[${italic('FLAGS')}]`] : [])].join(' '),
    ...paragraphs.flatMap((paragraph) => ['.PP', text(paragraph)]),
    ...args.map((arg) => tagged(italic(arg.name.toUpperCase()), text(`${arg.description ?? ''}.`))),
    ...own.map(flagEntry),
    '.PP',
    text(`Exit codes: ${exitCodes.map(([code, meaning]) => `${code} ${meaning}`).join('; ')}.`),
    ...examples.flatMap((example) => [
      '.PP',
      text(example.description),
      '.PP',
      '.RS 4',
      '.nf',
      text(example.command),
      '.fi',
      '.RE',
    ]),
  ]
}

function environment({ commands }: ProgramFacts): string[] {
  const flags = new Map(commands.flatMap((one) => one.flags.map((flag) => [flag.env ?? '', flag] as const)))
  const names = [...flags].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    text(
      'Every flag can be set by a variable; a flag on the command line wins over it. Flags without a value take 1 or 0, flags that may be given several times take a list with commas.',
    ),
    ...names.map(([env, { name }]) => tagged(bold(env), text(`Sets --${name}.`))),
    tagged(
      bold('XMPPKI_CA_PASSPHRASE, XMPPKI_ISSUING_PASSPHRASE, XMPPKI_KEY_PASSPHRASE, XMPPKI_BACKUP_PASSPHRASE'),
      text('Hold a secret themselves, for want of a file that a flag names.'),
    ),
  ]
}

/** The day of the build, or the one that whoever wants the same build again says (reproducible-builds.org). */
function today(): string {
  const seconds = process.env['SOURCE_DATE_EPOCH']
  const date = seconds === undefined ? new Date() : new Date(Number(seconds) * 1000)
  return date.toISOString().slice(0, 10)
}

/**
 * The manual page `xmppki(1)`, with the macros of man(7).
 * @param root folder of the checkout, after a build
 */
export function manPage(root: string): string {
  const program = readProgram(root)
  const { version, description, commands, topics } = program
  const withFlags = commands.find(({ flags }) => flags.length > 0)
  const lines = [
    `.TH XMPPKI 1 "${today()}" ${quoted(`xmppki ${version}`)} "User Commands"`,
    // Neither hyphenation nor justified lines: commands stay as they are typed.
    '.nh',
    '.ad l',
    section('Name'),
    `xmppki \\- ${text(description)}`,
    section('Synopsis'),
    `${bold('xmppki')} ${italic('COMMAND')} [${italic('ARGUMENTS')}] [${italic('FLAGS')}]`,
    section('Description'),
    text('Issues X.509 certificates for users of XMPP and serves logins with them.'),
    ...topics.map(({ name, description: about }) => tagged(bold(name), text(`${about}.`))),
    section('Flags of all commands'),
    ...(withFlags?.flags ?? []).filter((flag) => !isOwn(flag)).map(flagEntry),
    tagged(bold('--help, -h'), text('Show help.')),
    tagged(bold('--version, -V'), text('Show the version.')),
    section('Commands'),
    ...commands.flatMap(command),
    section('Environment'),
    ...environment(program),
    section('Exit status'),
    tagged(bold('0'), text('Done.')),
    ...byExitCode(readErrorCodes(root)).map(([code, of]) =>
      tagged(bold(String(code)), text(of.map(({ meaning }) => meaning).join(' '))),
    ),
    section('Files'),
    ...FILES.map(([path, what]) => tagged(italic(path), text(what))),
  ]
  return `${lines.join('\n')}\n`
}
