import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { pathFlag } from '../../cli/flags.ts'
import { readInputFile, sourceName } from '../../cli/input-file.ts'
import type { Remark } from '../../config/mongooseim/foreign-options.ts'
import { XmppkiError } from '../../errors.ts'

/** The result of `config import`. */
export interface ConfigImportResult {
  readonly file: string
  /** The file that was written; null when the text went to standard output. */
  readonly out: string | null
  /** The text of the new configuration. */
  readonly toml: string
  /** What was left out, and what means something else in xmppki. */
  readonly remarks: readonly Remark[]
}

/** The files of the largest installations have a hundredth of this. */
const MAX_BYTES = 1_048_576

export default class ConfigImport extends XmppkiCommand<ConfigImportResult> {
  static override summary = 'Turn the configuration of a MongooseIM server into one of xmppki.'

  static override description = [
    'Reads the listeners for clients, the hosts and the authentication of FILE: Erlang terms as MongooseIM had them up to 3.7 (mongooseim.cfg, ejabberd.cfg), or its TOML since 4.0. The equal `xmppki.toml` goes to standard output, or to --out; a file that is there already stays as it is (exit code 3).',
    'Every option that is left out, or that means something else in xmppki, is named on stderr with the reason. In doubt certificates do not log in: on a listener that did not ask for them, on a host with other rules, or without the method "pki" and the mechanism EXTERNAL.',
    exitCodes({
      BAD_INPUT: 'not a configuration of MongooseIM, or without a listener for clients',
      EXISTS: 'the file is there already',
      NOT_FOUND: 'no such file',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'See what would come of it:',
      command: '<%= config.bin %> config import /etc/mongooseim/mongooseim.toml',
    },
    {
      description: 'Into a file, for "config check" and "serve":',
      command: '<%= config.bin %> config import mongooseim.cfg --out xmppki.toml',
    },
    {
      description: 'For a script, the options that were left out:',
      command: '<%= config.bin %> config import mongooseim.cfg --json | jq -r ".remarks[].option"',
    },
  ]

  static override args = {
    file: Args.string({ description: 'configuration of MongooseIM; - is standard input', required: true }),
  }

  static override flags = {
    out: pathFlag({ summary: 'file to write (default: standard output)', env: 'XMPPKI_CONFIG_OUT' }),
  }

  async run(): Promise<ConfigImportResult> {
    const { args, flags } = await this.parse(ConfigImport)
    const { file } = args
    const { out } = flags
    const text = decode(await readInputFile(file, { maxBytes: MAX_BYTES }), sourceName(file))
    const { importMongooseim } = await import('../../config/mongooseim/import-config.ts')
    const { toml, remarks } = importMongooseim(text, sourceName(file))
    if (out === undefined) this.log(toml.trimEnd())
    else await this.#write(out, toml)
    for (const { kind, option, reason } of remarks) this.say(`${kind}: ${option}: ${reason}`)
    return { file, out: out ?? null, toml, remarks }
  }

  async #write(path: string, toml: string): Promise<void> {
    const { createWholeFile, exists, PUBLIC_FILE } = await import('../../workspace/disk/files.ts')
    if (exists(path)) {
      throw new XmppkiError('EXISTS', `${path} is already there`, { hint: 'give another name with --out' })
    }
    createWholeFile(path, { content: toml, mode: PUBLIC_FILE })
    this.log(`wrote ${path}`)
  }
}

/** @throws {XmppkiError} BAD_INPUT when it is not UTF-8 */
function decode(octets: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch (cause) {
    throw new XmppkiError('BAD_INPUT', `${source} is not UTF-8`, {
      hint: 'save it as UTF-8, for example with iconv -f ISO-8859-1 -t UTF-8',
      cause,
    })
  }
}
