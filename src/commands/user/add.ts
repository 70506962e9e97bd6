import { Args, Flags } from '@oclif/core'
import { parseClientNames, remarkOnForm } from '../../cli/client-names.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { pathFlag } from '../../cli/flags.ts'
import { styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import { conflictError } from './account-conflict.ts'
import { ACCOUNTS_FLAGS, AccountsCommand } from './accounts-command.ts'
import { NEW_PASSWORD_FLAGS, type NewPasswordFlags, newPassword, passwordRows } from './new-password.ts'
import type { UserAccounts } from './user-accounts.ts'

interface AddedAccount {
  readonly jid: string
  /** False when it was there before, with --if-missing. */
  readonly created: boolean
  /** Only a generated one that did not go to the file of --passwords: it is not kept anywhere. */
  readonly password?: string
}

/** The result of `user add`. */
export interface UserAddResult {
  readonly added: readonly AddedAccount[]
  readonly failed: readonly { readonly jid: string; readonly error: ErrorDocument }[]
}

type AddFlags = NewPasswordFlags & { readonly 'if-missing': boolean }

interface Outcome {
  readonly added: AddedAccount[]
  readonly failed: { readonly jid: string; readonly error: XmppkiError }[]
}

export default class UserAdd extends AccountsCommand<UserAddResult> {
  static override summary = 'Make accounts that log in by password.'

  static override description = [
    'Makes an account for each NAME, a username (alice) or a bare JID (alice@example.org), where `serve` looks for it: in the workspace, or in the database that the configuration names. All names are checked before anything is written.',
    'The password is asked for twice on the terminal, or comes from --password-file, or is made up by --generate and shown once; it is never taken from the command line. Only keys of SCRAM are kept, of the hashes in `auth.password.hash`: they do not log in.',
    'With --no-password the account logs in by certificate only; the certificate comes from `client issue`.',
    exitCodes({
      EXISTS: 'there is such an account, or the domain has as many as it may have',
      NOT_FOUND: 'there is no CA',
      PASSPHRASE: 'password missing or not usable',
      CORRUPT: 'the database is damaged',
      PARTIAL: 'some users failed',
      UNAVAILABLE: 'the database cannot be reached',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'One user, whose password is asked for:', command: '<%= config.bin %> user add alice' },
    {
      description: 'Several with passwords made up, in a file for the mail merge:',
      command: '<%= config.bin %> user add bob carol --generate --passwords passwords.csv',
    },
    {
      description: 'From a script that may run again:',
      command: '<%= config.bin %> user add bot@example.org --password-file /run/secrets/bot --if-missing',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', multiple: true, required: true, ignoreStdin: true }),
  }

  static override flags = {
    ...ACCOUNTS_FLAGS,
    ...NEW_PASSWORD_FLAGS,
    passwords: pathFlag({
      summary: 'collect the generated passwords in this new CSV file (jid, password), and show none',
      dependsOn: ['generate'],
      env: 'XMPPKI_USER_PASSWORDS',
    }),
    'if-missing': Flags.boolean({
      summary: 'accept users who have an account already, and leave it as it is',
      env: 'XMPPKI_IF_MISSING',
    }),
  }

  async run(): Promise<UserAddResult> {
    const { args, flags } = await this.parse(UserAdd)
    const { passwords } = flags
    const { checkPasswordList } = await import('../../workspace/clients/password-list.ts')
    if (args.name.length > 1 && flags['password-file'] !== undefined) throw oneForAll()
    if (passwords !== undefined) checkPasswordList(passwords)
    const { added, failed } = await this.withAccounts(flags, (accounts) => this.#add(accounts, args.name, flags))
    if (passwords !== undefined) await collectPasswords(passwords, added)
    const shown = passwords === undefined ? added : added.map(({ jid, created }) => ({ jid, created }))
    const show = () => {
      for (const account of shown) this.#show(account)
      if (passwords !== undefined) this.log(`passwords: ${passwords}`)
    }
    this.reportBatch(failed, { count: added.length, things: 'users', show })
    return { added: shown, failed: failed.map(({ jid, error }) => ({ jid, error: errorDocument(error) })) }
  }

  async #add(accounts: UserAccounts, names: readonly string[], flags: AddFlags): Promise<Outcome> {
    const clients = parseClientNames(names, accounts.names)
    for (const remark of clients.flatMap(remarkOnForm)) this.say(`note: ${remark}`)
    const jids = clients.map(({ jid }) => jid.toString())
    this.sayIfUnserved(accounts, jids)
    const outcome: Outcome = { added: [], failed: [] }
    for (const jid of jids) {
      try {
        outcome.added.push(await this.#addOne(accounts, jid, flags))
      } catch (error) {
        // Passwords that were made up before must still be shown.
        if (!(error instanceof XmppkiError)) throw error
        outcome.failed.push({ jid, error })
      }
    }
    return outcome
  }

  async #addOne({ store, derivation, perDomain }: UserAccounts, jid: string, flags: AddFlags): Promise<AddedAccount> {
    const { deriveKeys } = await import('../../xmpp/sasl/scram-credentials.ts')
    const accepted = { jid, created: false }
    if ((await store.find(jid)) !== undefined) {
      // Nobody should think of a password for nothing.
      if (flags['if-missing']) return accepted
      throw conflictError(jid, 'exists')
    }
    const { password, isGenerated } = await newPassword(jid, flags, (text) => this.sayWarning(text))
    const keys = password === undefined ? {} : await deriveKeys(password, derivation)
    const now = Date.now()
    const conflict = await store.create({ jid, keys, createdAt: now, changedAt: now }, { perDomain })
    if (conflict === 'exists' && flags['if-missing']) return accepted
    if (conflict !== undefined) throw conflictError(jid, conflict)
    return { jid, created: true, ...(password !== undefined && isGenerated ? { password } : {}) }
  }

  #show({ jid, created, password }: AddedAccount): void {
    this.log(`${styled('bold', jid)} ${created ? 'added' : 'has an account already'}`)
    if (password !== undefined) for (const row of passwordRows(password)) this.log(row)
  }
}

/** @throws {XmppkiError} IO, when the accounts are there already */
async function collectPasswords(path: string, added: readonly AddedAccount[]): Promise<void> {
  const { writeSecretRows } = await import('../../workspace/clients/password-list.ts')
  const rows = added.flatMap(({ jid, password }) => (password === undefined ? [] : [[jid, password]]))
  try {
    writeSecretRows(path, [['jid', 'password'], ...rows])
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    throw new XmppkiError(error.code, error.message, {
      hint: 'the accounts are made; give each a password anew: xmppki user passwd NAME --generate',
      cause: error,
    })
  }
}

function oneForAll(): XmppkiError {
  return new XmppkiError('USAGE', '--password-file gives one password, and there are several users', {
    hint: 'add one at a time, or --generate passwords, or see: xmppki user import --help',
  })
}
