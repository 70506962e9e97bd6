import { Command, Flags, type Interfaces } from '@oclif/core'
import { XmppkiError } from '../errors.ts'
import { describeError, errorDocument, isQuietExit } from './describe-error.ts'
import { switchOf, valueGiven, withEnvironment } from './environment.ts'
import { errorLines, harmless, styled } from './output.ts'
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
    json: Flags.boolean({
      summary: 'print the result as JSON, errors too',
      helpGroup: 'GLOBAL',
      env: 'XMPPKI_JSON',
    }),
  }

  abstract override run(): Promise<T>

  override jsonEnabled(): boolean {
    return this.ctor.enableJsonFlag && (super.jsonEnabled() || switchOf(process.env.XMPPKI_JSON) === true)
  }

  /** As oclif's, with the environment as `withEnvironment` reads it. */
  protected override async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(options: Interfaces.Input<F, B, A>, argv: string[] = this.argv): Promise<Interfaces.ParserOutput<F, B, A>> {
    const { args, baseFlags } = options
    const line = withEnvironment({ flags: { ...baseFlags, ...options.flags }, argv }, process.env)
    const flags = line.flags as Interfaces.FlagInput<F>
    const output = await super.parse<F, B, A>(args === undefined ? { flags } : { args, flags }, line.argv)
    // oclif keeps what it has parsed; commands look here for what was typed.
    this.argv = argv
    return output
  }

  /** The folder of the workspace. */
  protected homeOf(flags: { readonly home?: string | undefined }): string {
    return flags.home === undefined || flags.home === '' ? this.config.dataDir : flags.home
  }

  /** ` --home '…'` where it was typed, else nothing: behind a command that is to be run next on the same workspace. */
  protected get sameHome(): string {
    const home = valueGiven('home', this.argv)
    return home === undefined ? '' : ` --home '${home}'`
  }

  /** Says something on stderr, with or without `--json`: stdout stays what a program can read. */
  protected say(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  protected sayWarning(text: string): void {
    this.say(`${styled('yellow', 'warning:', process.stderr)} ${harmless(text)}`)
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
    this.#report(this.#forSameHome(describeError(error, known)))
  }

  #report(error: XmppkiError): void {
    process.exitCode = error.exitCode
    if (this.jsonEnabled()) this.logJson({ error: errorDocument(error) })
    else this.sayError(error)
  }

  /**
   * Ends a command that did several things. A single one that failed fails as itself; of several, what was done is
   * shown first, then every error, and the exit code tells whether anything was done.
   * @param things what they are, in the plural, for the last line
   */
  protected reportBatch(
    failed: readonly { readonly error: XmppkiError }[],
    done: { readonly count: number; readonly things: string; readonly show: () => void },
  ): void {
    const [first] = failed
    if (first !== undefined && done.count === 0 && failed.length === 1) throw first.error
    done.show()
    if (first === undefined) return
    const { length } = failed
    const partial = new XmppkiError('PARTIAL', `${length} of ${length + done.count} ${done.things} failed`)
    if (!this.jsonEnabled()) for (const error of [...failed.map((one) => one.error), partial]) this.sayError(error)
    process.exitCode = done.count > 0 ? partial.exitCode : first.error.exitCode
  }

  /** Ends a command that did what mattered, but not all: the exit code tells. */
  protected reportRest(error: XmppkiError | undefined): void {
    if (error === undefined) return
    if (this.jsonEnabled()) this.sayWarning(error.message)
    else this.sayError(error)
    process.exitCode = error.exitCode
  }

  protected sayError(error: XmppkiError): void {
    for (const line of errorLines(this.#forSameHome(error))) this.say(line)
  }

  /** The commands in a hint work on the workspace that was typed, not on another one. */
  #forSameHome(error: XmppkiError): XmppkiError {
    const { code, message, hint, spec } = error
    if (this.sameHome === '' || !hint?.includes('xmppki ') || hint.includes('--home')) return error
    const details = { hint: `${hint} (with${this.sameHome})`, cause: error }
    return new XmppkiError(code, message, spec === undefined ? details : { ...details, spec })
  }
}
