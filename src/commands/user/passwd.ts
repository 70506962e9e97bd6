import { Args } from '@oclif/core'
import { parseListedName, remarkOnForm } from '../../cli/client-names.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import { ACCOUNTS_FLAGS, AccountsCommand } from './accounts-command.ts'
import { NEW_PASSWORD_FLAGS, type NewPassword, newPassword, passwordRows } from './new-password.ts'

/** The result of `user passwd`. */
export interface UserPasswdResult {
  readonly jid: string
  /** Only a generated one: it is not kept anywhere. */
  readonly password?: string
}

export default class UserPasswd extends AccountsCommand<UserPasswdResult> {
  static override summary = 'Set the password of an account.'

  static override description = [
    'Replaces the password of NAME (a username or a bare JID). It is asked for twice on the terminal, or comes from --password-file, or is made up by --generate and shown once; it is never taken from the command line. Only keys of SCRAM are kept, of the hashes in `auth.password.hash`: they do not log in.',
    'The old password does not log in any more; sessions that are open stay open, see `session kill`. With --no-password the account logs in by certificate only.',
    exitCodes({
      NOT_FOUND: 'no such account or no CA',
      PASSPHRASE: 'password missing or not usable',
      CORRUPT: 'the database is damaged',
      UNAVAILABLE: 'the database cannot be reached',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'Asked for on the terminal:', command: '<%= config.bin %> user passwd alice' },
    {
      description: 'From a password manager:',
      command: '<%= config.bin %> user passwd alice@example.org --password-file /run/secrets/alice',
    },
    {
      description: 'A new one that nobody has seen, for a script:',
      command: '<%= config.bin %> user passwd bot --generate --json | jq -r .password',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', required: true, ignoreStdin: true }),
  }

  static override flags = { ...ACCOUNTS_FLAGS, ...NEW_PASSWORD_FLAGS }

  async run(): Promise<UserPasswdResult> {
    const { args, flags } = await this.parse(UserPasswd)
    const { deriveKeys } = await import('../../xmpp/sasl/scram-credentials.ts')
    return this.withAccounts(flags, async ({ store, names, derivation }) => {
      const client = parseListedName(args.name, names)
      for (const remark of remarkOnForm(client)) this.say(`note: ${remark}`)
      const jid = client.jid.toString()
      // Nobody should think of a password for somebody who is not there.
      if ((await store.find(jid)) === undefined) throw noAccount(jid)
      const chosen = await newPassword(jid, flags, (text) => this.sayWarning(text))
      const keys = chosen.password === undefined ? {} : await deriveKeys(chosen.password, derivation)
      if (!(await store.setKeys(jid, keys, Date.now()))) throw noAccount(jid)
      return this.#finish(jid, chosen)
    })
  }

  #finish(jid: string, { password, isGenerated }: NewPassword): UserPasswdResult {
    const what = password === undefined ? 'has no password any more' : 'has a new password'
    this.log(`${styled('bold', jid)} ${what}`)
    if (password === undefined || !isGenerated) return { jid }
    for (const row of passwordRows(password)) this.log(row)
    return { jid, password }
  }
}

function noAccount(jid: string): XmppkiError {
  return new XmppkiError('NOT_FOUND', `there is no account ${jid}`, { hint: `make one: xmppki user add ${jid}` })
}
