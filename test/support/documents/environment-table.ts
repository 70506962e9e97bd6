import { COMMANDS } from '../../../src/commands/index.ts'

interface Definition {
  readonly env?: string
  readonly type: string
  readonly multiple?: boolean
}

/** The flag, and whether the variable may hold several values for it. */
function describe(name: string, { type, multiple }: Definition): string {
  const isList = type === 'option' && multiple === true
  return isList ? `\`--${name}\`, a list` : `\`--${name}\``
}

/** The rows of the README's table of environment variables, as the commands have them. */
export function environmentRows(): string[][] {
  const rows = new Map<string, { flag: string; commands: string[] }>()
  const entries = Object.entries(COMMANDS)
  for (const [id, command] of entries) {
    const flags: Record<string, Definition> = { ...command.baseFlags, ...command.flags }
    for (const [name, definition] of Object.entries(flags)) {
      const { env = '' } = definition
      const row = rows.get(`${env} ${name}`) ?? { flag: describe(name, definition), commands: [] }
      rows.set(`${env} ${name}`, row)
      row.commands.push(id.replaceAll(':', ' '))
    }
  }
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { flag, commands }]) => {
      // `completion` and `help` have neither a workspace nor a result.
      const where = commands.length === entries.length - 2 ? 'all' : commands.sort().join(', ')
      return [`\`${key.split(' ')[0]}\``, flag, where]
    })
}
