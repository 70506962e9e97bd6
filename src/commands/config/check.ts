import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { styled } from '../../cli/output.ts'
import { configFlag } from '../../cli/serve-flags.ts'
import type { Origin, Problem } from '../../config/origin.ts'
import { XmppkiError } from '../../errors.ts'

interface ReportedProblem {
  readonly severity: 'error' | 'warning'
  readonly key: string
  /** Null when it is about something that is not there. */
  readonly line: number | null
  readonly message: string
  readonly fix: string | null
}

/** The result of `config check`. */
export interface ConfigCheckResult {
  readonly file: string
  /** Whether the exit code is 0. */
  readonly valid: boolean
  readonly problems: readonly ReportedProblem[]
}

export default class ConfigCheck extends XmppkiCommand<ConfigCheckResult> {
  static override summary = 'Check a configuration, and say what is wrong on which line.'

  static override description = [
    'Reads FILE, else that of --config, else `xmppki.toml` in the folder of the workspace, and names every key that is unknown, misplaced, out of bounds or in contradiction with another, with its line and what to do. The files that it names must be there and readable, those with private keys for their owner alone; certificates and keys must belong together. The files of `cacertfile` and `crl_files` are read: what has expired or will soon, what cannot be used, and of which CA it is not known what it has revoked.',
    'An "error" keeps "serve" from starting; a "warning" is worth knowing. Nothing is started and nothing changed.',
    exitCodes({
      DONE: 'no errors',
      BAD_INPUT: 'errors found, or not TOML',
      NOT_FOUND: 'no such file',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'The configuration of the workspace:', command: '<%= config.bin %> config check' },
    {
      description: 'Another file, before it takes the place of the old one:',
      command: '<%= config.bin %> config check new.toml',
    },
    {
      description: 'For a script, the keys with errors:',
      command: '<%= config.bin %> config check new.toml --json | jq -r ".problems[].key"',
    },
  ]

  static override args = {
    file: Args.string({ description: 'the configuration (default: that of --config, or of the workspace)' }),
  }

  static override flags = { config: configFlag }

  async run(): Promise<ConfigCheckResult> {
    const { args, flags } = await this.parse(ConfigCheck)
    const { examinedConfiguration } = await import('../../service/check/configuration-check.ts')
    const { servedByDefault } = await import('../../workspace/base/default-host.ts')
    const home = this.homeOf(flags)
    const { file, problems } = await examinedConfiguration({
      file: args.file ?? flags.config,
      home,
      overrides: [],
      // The domain of a workspace that is not there yet is not known; any will do to judge the rest.
      defaultHost: servedByDefault(home) ?? 'localhost',
    })
    if (file === undefined) {
      throw new XmppkiError('NOT_FOUND', `there is no xmppki.toml in ${home}`, {
        hint: 'name a file; without one the defaults hold, see: xmppki config show',
      })
    }
    await this.#show(file, problems)
    const valid = problems.every(({ severity }) => severity === 'warning')
    return { file, valid, problems: problems.map(reported) }
  }

  async #show(file: string, problems: readonly Problem[]): Promise<void> {
    const { describeProblem } = await import('../../config/load.ts')
    for (const problem of problems) {
      const { severity, fix } = problem
      const label = styled(severity === 'error' ? 'red' : 'yellow', `${severity}:`)
      this.log(`${label} ${describeProblem(problem, file)}${fix === undefined ? '' : `; ${fix}`}`)
    }
    const errors = problems.filter(({ severity }) => severity === 'error').length
    if (errors === 0) return this.log(`${file} ${styled('green', 'can be used')}`)
    const error = new XmppkiError('BAD_INPUT', `${file} has ${errors} ${errors === 1 ? 'error' : 'errors'}`)
    if (!this.jsonEnabled()) this.sayError(error)
    process.exitCode = error.exitCode
  }
}

function lineOf(origin: Origin): number | null {
  return origin.from === 'file' ? origin.line : null
}

function reported({ severity, key, origin, message, fix }: Problem): ReportedProblem {
  return { severity, key, line: lineOf(origin), message, fix: fix ?? null }
}
