import { OFF, ON } from '../../src/cli/environment.ts'
import { code, page, plain, table } from './markdown.ts'
import type { Flag, ProgramFacts } from './program-facts.ts'

/** Variables that hold secrets, and what for; files that flags name come before them. */
const SECRETS: Readonly<Record<string, string>> = {
  XMPPKI_CA_PASSPHRASE: 'the passphrase of the key of the CA, or the PIN of the token that it is in',
  XMPPKI_ISSUING_PASSPHRASE: 'the passphrase of the key of the issuing CA',
  XMPPKI_KEY_PASSPHRASE: 'the passphrase of a key that `ca import` or `client csr` reads',
  XMPPKI_BACKUP_PASSPHRASE: 'the passphrase of the backup',
}

/** Variables that belong to no flag. */
const OTHERS: Readonly<Record<string, string>> = {
  XMPPKI_DEBUG: 'if it is not empty, errors come with their stack trace',
}

/** What the command of `server renew --exec` finds in its environment. */
const OF_EXEC: Readonly<Record<string, string>> = {
  XMPPKI_DOMAIN: 'the domain of the certificate',
  XMPPKI_CERTIFICATE: 'the file with the certificate',
  XMPPKI_CHAIN: 'the file with the certificate and its CAs',
  XMPPKI_PRIVATE_KEY: 'the file with the private key',
  XMPPKI_SERIAL: 'the serial number, in hexadecimal digits',
}

/** @throws {Error} when the sources read or set a variable that has no place on the page */
function checkNames(program: ProgramFacts, inSources: readonly string[]): void {
  const ofFlags = program.commands.flatMap(({ flags }) => flags.flatMap(({ env }) => env ?? []))
  const known = new Set([...ofFlags, ...[SECRETS, OTHERS, OF_EXEC].flatMap((names) => Object.keys(names))])
  const missing = inSources.filter((name) => !known.has(name))
  const gone = [...known].filter((name) => !inSources.includes(name))
  if (missing.length + gone.length > 0) {
    throw new Error(`environment variables without a description: ${missing}; described, but not there: ${gone}`)
  }
}

/** The flag, and whether the variable may hold several values for it. */
function flagText({ name, type, multiple }: Flag): string {
  return type === 'option' && multiple === true ? `${code(`--${name}`)}, a list` : code(`--${name}`)
}

function flagRows({ commands }: ProgramFacts): string[][] {
  const rows = new Map<string, { env: string; flag: string; commands: string[] }>()
  for (const { name, flags } of commands) {
    for (const flag of flags) {
      const key = `${flag.env} ${flag.name}`
      const row = rows.get(key) ?? { env: flag.env ?? '', flag: flagText(flag), commands: [] }
      rows.set(key, row)
      row.commands.push(name)
    }
  }
  const withFlags = commands.filter(({ flags }) => flags.length > 0).length
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { env, flag, commands: of }]) => [code(env), flag, of.length === withFlags ? 'all' : of.join(', ')])
}

const rowsOf = (variables: Readonly<Record<string, string>>) =>
  Object.entries(variables).map(([name, meaning]) => [code(name), plain(meaning)])

/**
 * Every environment variable.
 * @param inSources names of all variables that stand in the sources
 */
export function environmentPage(program: ProgramFacts, inSources: readonly string[]): string {
  checkNames(program, inSources)
  return page('Environment', [
    'Every flag can be set by an environment variable. A flag on the command line wins over its variable, and so does a flag that contradicts it. An empty variable counts as not set.',
    `A flag without a value is switched on by ${ON.map(code).join(', ')}, and off by ${OFF.map(code).join(', ')}; anything else is an error. A flag that may be given several times takes a list with commas.`,
    '## Variables of flags',
    table(['variable', 'sets', 'of'], flagRows(program)),
    '## Secrets',
    'These hold secrets themselves. A file named by a flag, such as `--passphrase-file`, comes before them; without either, a terminal is asked. Secrets are never taken from the command line.',
    table(['variable', 'holds'], rowsOf(SECRETS)),
    '## Others',
    table(
      ['variable', 'what it does'],
      [
        ...rowsOf(OTHERS),
        [code('NO_COLOR'), 'if it is not empty, output has no colours'],
        [
          code('XDG_DATA_HOME'),
          'where the folder of the workspace is without `--home`; `~/.local/share` if it is not set',
        ],
      ],
    ),
    '## For the command of `server renew --exec`',
    'Variables with secrets are not passed on to it; these are added:',
    table(['variable', 'holds'], rowsOf(OF_EXEC)),
  ])
}
