import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { styled } from '../../cli/output.ts'
import { overridesOf, SERVE_FLAGS } from '../../cli/serve-flags.ts'
import type { Origin } from '../../config/origin.ts'
import type { Setting } from '../../config/walk.ts'

interface ShownSetting {
  readonly key: string
  /** Null when nothing is set and nothing holds by default. */
  readonly value: unknown
  readonly source: Origin['from']
  /** In the file; null for other sources. */
  readonly line: number | null
  /** Of the flag or the variable; null for other sources. */
  readonly name: string | null
}

/** The result of `config show`. */
export interface ConfigShowResult {
  /** Null when there is none. */
  readonly file: string | null
  readonly settings: readonly ShownSetting[]
}

export default class ConfigShow extends XmppkiCommand<ConfigShowResult> {
  static override summary = 'Print the configuration that "serve" would use, and where each value comes from.'

  static override description = [
    'Every key with its value and its source: a flag, an environment variable, a line of the file, or the default. A flag wins over its variable, that over the file, the file over the default. It takes the flags of "serve", so `config show` with the command line of a service shows what that service does.',
    'The file is that of --config, else `xmppki.toml` in the folder of the workspace, if there is one.',
    exitCodes({ BAD_INPUT: 'the configuration cannot be used', NOT_FOUND: 'no such file' }),
  ].join('\n\n')

  static override examples = [
    { description: 'What holds:', command: '<%= config.bin %> config show' },
    {
      description: 'What would hold with another file and port:',
      command: '<%= config.bin %> config show --config new.toml --port 15222',
    },
    {
      description: 'In a script, what is not left at its default:',
      command: '<%= config.bin %> config show --json | jq ".settings[] | select(.source != \\"default\\")"',
    },
  ]

  static override flags = SERVE_FLAGS

  async run(): Promise<ConfigShowResult> {
    const { flags } = await this.parse(ConfigShow)
    const { problemError, readConfiguration } = await import('../../config/load.ts')
    const { servedByDefault } = await import('../../workspace/base/default-host.ts')
    const home = this.homeOf(flags)
    const overrides = overridesOf(flags, this.argv)
    const read = readConfiguration({ file: flags.config, home, overrides, defaultHost: servedByDefault(home) })
    const { file, settings, problems } = read
    const errors = problems.filter(({ severity }) => severity === 'error')
    const [first] = errors
    if (first !== undefined) throw problemError(first, { file, others: errors.length - 1 })
    await this.#show(settings, file)
    return { file: file ?? null, settings: settings.map(shown) }
  }

  async #show(settings: readonly Setting[], file: string | undefined): Promise<void> {
    const { describeOrigin } = await import('../../config/origin.ts')
    const { settingLines } = await import('./listing.ts')
    for (const { text, origin } of await settingLines(settings)) {
      const source = origin === undefined ? '' : `  ${styled('dim', `# ${describeOrigin(origin, file)}`)}`
      this.log(`${text}${source}`)
    }
  }
}

function shown({ key, value, origin }: Setting): ShownSetting {
  return {
    key,
    value: value ?? null,
    source: origin.from,
    line: origin.from === 'file' ? origin.line : null,
    name: origin.from === 'flag' || origin.from === 'environment' ? origin.name : null,
  }
}
