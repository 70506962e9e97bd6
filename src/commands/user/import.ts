import { Args, Flags } from '@oclif/core'
import { FILE_FORMATS } from '../../accounts/foreign-account.ts'
import type { PreparedAccounts } from '../../accounts/prepare.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { InterruptHandler } from '../../cli/interrupt-handler.ts'
import { ProgressBar } from '../../cli/progress.ts'
import { Interrupted } from '../../cli/prompt.ts'
import type { Account } from '../../store/accounts.ts'
import { type ImportCounts, type ImportFailure, importLine, importReport, jidOf, refusedRow } from './account-import.ts'
import { ACCOUNTS_FLAGS, AccountsCommand } from './accounts-command.ts'
import { remarkOnKeys } from './import-remarks.ts'
import type { UserAccounts } from './user-accounts.ts'

/** The result of `user import`. */
export interface UserImportResult extends ImportCounts {
  /** Whether nothing was written. */
  readonly dryRun: boolean
  readonly failed: readonly {
    /** File and line. */
    readonly place: string
    /** As it stands there, or the JID. */
    readonly name: string
    readonly error: ErrorDocument
  }[]
}

interface ImportFlags {
  readonly replace: boolean
  readonly 'if-missing': boolean
  readonly 'dry-run': boolean
}

export default class UserImport extends AccountsCommand<UserImportResult> {
  static override summary = 'Import accounts of Prosody, ejabberd or MongooseIM, or from a list.'

  static override description = [
    'Reads accounts and makes all of them in one transaction: when the run is killed or the database fails, none has been made. Keys of SCRAM are taken over as they are, so users keep their passwords; from passwords the keys of `auth.password.hash` are derived. An account that cannot be taken over is named with file and line, never with its password, and does not stop the others; the exit code is then 9.',
    'FILE is: a data folder of Prosody (prosody), such as /var/lib/prosody; what `ejabberdctl dump_table FILE passwd` or `mongooseimctl mnesia dumpTable` write (mnesia); a dump of the table users of ejabberd or MongooseIM by `pg_dump` (postgres); that table in CSV with a heading, or any CSV with the columns jid and password, or username, domain, password (csv); or JSON objects with the same keys, one a line (jsonl). What is in it is never executed.',
    'SCRAM with SHA-1, SHA-256 and SHA-512 is taken over, from 4,096 iterations on. Accounts of Prosody that have no password log in by certificate only, and those that are disabled are not taken over. Several rows about one account count as one when they have keys of different hashes.',
    exitCodes({
      EXISTS: 'there is such an account, or the domain has as many as it may have',
      NOT_FOUND: 'there is no CA, or no such file',
      CORRUPT: 'the database is damaged',
      PARTIAL: 'some accounts failed',
      UNAVAILABLE: 'the database cannot be reached',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'What would come of the accounts of a Prosody on this machine:',
      command: '<%= config.bin %> user import /var/lib/prosody --dry-run',
    },
    {
      description: 'Those of an ejabberd, after `ejabberdctl dump_table /tmp/passwd.txt passwd`:',
      command: '<%= config.bin %> user import /tmp/passwd.txt',
    },
    {
      description: 'Those of a MongooseIM with PostgreSQL, from another machine:',
      command: 'ssh db pg_dump --data-only --table users mongooseim | <%= config.bin %> user import -',
    },
    {
      description: 'A list with passwords, again and again:',
      command: '<%= config.bin %> user import users.csv --if-missing --json',
    },
  ]

  static override args = {
    file: Args.string({
      description: 'file or folder with accounts; - is standard input',
      required: true,
      ignoreStdin: true,
    }),
  }

  static override flags = {
    format: Flags.option({
      summary: 'what FILE is (default: what it looks like)',
      options: [...FILE_FORMATS, 'prosody'] as const,
      env: 'XMPPKI_USER_FORMAT',
    })(),
    ...ACCOUNTS_FLAGS,
    replace: Flags.boolean({
      summary: 'give accounts that are there the password of the import',
      exclusive: ['if-missing'],
      env: 'XMPPKI_USER_REPLACE',
    }),
    'if-missing': Flags.boolean({
      summary: 'accept accounts that are there already, and leave them as they are',
      env: 'XMPPKI_IF_MISSING',
    }),
    'dry-run': Flags.boolean({ summary: 'say what would be done, and write nothing', env: 'XMPPKI_DRY_RUN' }),
  }

  async run(): Promise<UserImportResult> {
    const { args, flags } = await this.parse(UserImport)
    return this.withAccounts(flags, async (accounts) => {
      const { readAccountSource } = await import('./account-source.ts')
      const { prepareAccounts } = await import('../../accounts/prepare.ts')
      const rows = await readAccountSource(args.file, flags.format)
      const began = performance.now()
      const prepared = prepareAccounts(rows, jidOf(accounts.names))
      const stop = new InterruptHandler()
      // Before anything is said: who reads it may press Ctrl-C at once.
      if (flags['dry-run'] !== true) stop.arm()
      this.sayIfUnserved(
        accounts,
        prepared.accounts.map(({ jid }) => jid),
      )
      const remark = remarkOnKeys(prepared.accounts, accounts.auth)
      if (remark !== undefined) this.sayWarning(remark)
      const { counts, failures } = await this.#import(accounts, prepared, { ...flags, stop })
      const seconds = (performance.now() - began) / 1000
      return this.#finish(counts, failures, { dryRun: flags['dry-run'] === true, seconds })
    })
  }

  async #import(
    into: UserAccounts,
    { accounts, refused }: PreparedAccounts,
    flags: ImportFlags & { readonly stop: InterruptHandler },
  ) {
    const { writeAccounts } = await import('../../accounts/import-accounts.ts')
    const { replace, 'dry-run': dryRun, 'if-missing': keep, stop } = flags
    // What a dry run says depends on names alone, and deriving takes minutes.
    const whole = dryRun ? accounts.map(({ jid }) => accountOf(jid, {})) : await this.#derived(into, accounts, stop)
    const outcomes = await writeAccounts(into.store, whole, { perDomain: into.perDomain, replace, dryRun })
    const { counts, failures } = importReport(accounts, outcomes, keep)
    return { counts, failures: [...refused.map(refusedRow), ...failures] }
  }

  /** With keys; what follows is done at once or not at all, so Ctrl-C ends it as usual. @throws {Interrupted} after Ctrl-C */
  async #derived(
    { derivation }: UserAccounts,
    accounts: PreparedAccounts['accounts'],
    stop: InterruptHandler,
  ): Promise<Account[]> {
    const { deriveAll } = await import('../../accounts/import-accounts.ts')
    const bar = new ProgressBar(accounts.length)
    try {
      const onProgress = (done: number) => bar.update(done, 0)
      const keys = await deriveAll(accounts, { ...derivation, onProgress, signal: stop.signal })
      bar.clear()
      if (keys === undefined) {
        this.say('interrupted: no account was imported')
        throw new Interrupted()
      }
      return accounts.map(({ jid }, index) => accountOf(jid, keys[index] ?? {}))
    } finally {
      stop.disarm()
    }
  }

  #finish(
    counts: ImportCounts,
    failures: readonly ImportFailure[],
    run: { readonly dryRun: boolean; readonly seconds: number },
  ): UserImportResult {
    const { created, replaced, kept } = counts
    const show = () => this.log(importLine(counts, failures.length, run))
    this.reportBatch(failures, { count: created + replaced + kept, things: 'accounts', show })
    const failed = failures.map(({ place, name, error }) => ({ place, name, error: errorDocument(error) }))
    return { ...counts, dryRun: run.dryRun, failed }
  }
}

function accountOf(jid: string, keys: Account['keys']): Account {
  const now = Date.now()
  return { jid, keys, createdAt: now, changedAt: now }
}
