import { Command, Flags } from '@oclif/core'
import type { XmppkiError } from '../errors.ts'
import { describeError, errorDocument, isQuietExit } from './describe-error.ts'
import { errorLines, styled } from './output.ts'
import { Interrupted } from './prompt.ts'

/**
 * What every command has in common: `--home` and `--json`, results on stdout, everything said to people on stderr,
 * errors as `error:` and `hint:` lines (or one JSON document) with the exit code of their kind.
 */
export abstract class XmppkiCommand<T> extends Command {
  static override enableJsonFlag = true

  static override baseFlags = {
    home: Flags.string({
      summary: 'folder of the workspace (default: the data directory of the user)',
      description: 'Holds the CA, what it issued, and the ledger.',
      helpValue: 'PATH',
      helpGroup: 'GLOBAL',
      env: 'XMPPKI_HOME',
    }),
  }

  abstract override run(): Promise<T>

  override async init(): Promise<void> {
    await super.init()
    // `xmppki … | head` is no reason to complain.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit()
      throw error
    })
  }

  /** The folder of the workspace. */
  protected homeOf(flags: { readonly home?: string | undefined }): string {
    return flags.home === undefined || flags.home === '' ? this.config.dataDir : flags.home
  }

  /** Says something on stderr, with or without `--json`: stdout stays what a program can read. */
  protected say(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  protected sayWarning(text: string): void {
    this.say(`${styled('yellow', 'warning:', process.stderr)} ${text}`)
  }

  protected override async catch(error: Error): Promise<void> {
    if (error instanceof Interrupted) {
      process.kill(process.pid, 'SIGINT')
      return
    }
    if (isQuietExit(error)) throw error
    if (process.env.XMPPKI_DEBUG) this.say(String(error.stack))
    const flags = Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags })
    const known = { flags: [...flags, 'help', 'json'], commands: [] }
    this.#report(describeError(error, known))
  }

  #report(error: XmppkiError): void {
    process.exitCode = error.exitCode
    if (this.jsonEnabled()) this.logJson({ error: errorDocument(error) })
    else this.sayError(error)
  }

  protected sayError(error: XmppkiError): void {
    for (const line of errorLines(error)) this.say(line)
  }
}
