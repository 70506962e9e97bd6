import { exitCodes } from '../../cli/exit-codes.ts'
import { domainFlag } from '../../cli/flags.ts'
import { day } from '../../cli/output.ts'
import { STORE_FLAGS } from '../../cli/serve-flags.ts'
import { table } from '../../cli/table.ts'
import type { Account } from '../../store/accounts.ts'
import type { ScramHash } from '../../xmpp/sasl/scram-keys.ts'
import { AccountsCommand } from './accounts-command.ts'

interface ListedAccount {
  readonly jid: string
  /** What its password can be used with; none for an account that logs in by certificate only. */
  readonly hashes: readonly { readonly hash: ScramHash; readonly iterations: number }[]
  readonly createdAt: Date
  /** When the password was last set. */
  readonly changedAt: Date
}

/** The result of `user list`. */
export interface UserListResult {
  readonly accounts: readonly ListedAccount[]
}

export default class UserList extends AccountsCommand<UserListResult> {
  static override summary = 'List the accounts that can log in by password.'

  static override description = [
    'One row for each account of the configuration that `serve` uses: its address, the hashes of SCRAM that its password can be used with and their iterations, and the days on which the account was made and its password last set. An account without a password logs in by certificate only. Nothing that is shown helps to log in.',
    exitCodes({
      NOT_FOUND: 'there is no CA',
      CORRUPT: 'the database is damaged',
      UNAVAILABLE: 'the database cannot be reached',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'All of them:', command: '<%= config.bin %> user list' },
    { description: 'Those of one domain:', command: '<%= config.bin %> user list --domain example.org' },
    {
      description: 'In a script, the addresses of accounts without a password:',
      command: "<%= config.bin %> user list --json | jq -r '.accounts[] | select(.hashes == []).jid'",
    },
  ]

  static override flags = {
    ...STORE_FLAGS,
    domain: domainFlag({ summary: 'only accounts at this domain', env: 'XMPPKI_DOMAIN' }),
  }

  async run(): Promise<UserListResult> {
    const { flags } = await this.parse(UserList)
    const found = await this.withAccounts(flags, ({ store }) => store.list(flags.domain))
    const accounts = found.map(listed)
    await this.#show(accounts)
    return { accounts }
  }

  async #show(accounts: readonly ListedAccount[]): Promise<void> {
    if (accounts.length === 0) {
      this.log('there are no accounts')
      return
    }
    const rows = accounts.map(({ jid, hashes, createdAt, changedAt }) => {
      const password = hashes.map(({ hash, iterations }) => `${hash} (${iterations})`).join(', ')
      return [jid, password === '' ? 'none' : password, day(createdAt), day(changedAt)]
    })
    for (const line of await table(['user', 'password', 'created', 'changed'], rows)) this.log(line)
  }
}

function listed({ jid, keys, createdAt, changedAt }: Account): ListedAccount {
  // Object.entries forgets the type of the keys.
  const hashes = Object.entries(keys).map(([hash, { iterations }]) => ({ hash: hash as ScramHash, iterations }))
  return { jid, hashes, createdAt: new Date(createdAt), changedAt: new Date(changedAt) }
}
