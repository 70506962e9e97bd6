import { XmppkiCommand } from '../../cli/base-command.ts'
import { namesDomainFlag } from '../../cli/flags.ts'
import { STORE_FLAGS, storePlace } from '../../cli/serve-flags.ts'
import { type UserAccounts, withAccounts } from './user-accounts.ts'

/** What every command about accounts can be told. */
export const ACCOUNTS_FLAGS = { domain: namesDomainFlag, ...STORE_FLAGS }

interface AccountsFlagValues {
  readonly home?: string | undefined
  readonly domain?: string | undefined
  readonly config?: string | undefined
  readonly 'store-url-file'?: string | undefined
}

/** A command that works on the accounts of `serve`. */
export abstract class AccountsCommand<T> extends XmppkiCommand<T> {
  /** Opens the accounts that the flags say, and closes them behind `work`. @throws {XmppkiError} as `withAccounts` */
  protected withAccounts<R>(flags: AccountsFlagValues, work: (accounts: UserAccounts) => Promise<R>): Promise<R> {
    return withAccounts({ ...storePlace(flags, this.argv), home: this.homeOf(flags), domain: flags.domain }, work)
  }

  /** That nobody could log in to these accounts. @param jids bare, normalised */
  protected sayIfUnserved({ isServed, hosts }: UserAccounts, jids: readonly string[]): void {
    if (!isServed) this.sayWarning('serve does not look at accounts: add "rdbms" to auth.methods in xmppki.toml')
    const domains = new Set(jids.map((jid) => jid.slice(jid.indexOf('@') + 1)))
    for (const domain of [...domains].filter((one) => !hosts.includes(one))) {
      this.sayWarning(`the domain ${domain} is not served here: nobody can log in there; see general.hosts`)
    }
  }
}
