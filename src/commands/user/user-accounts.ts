import type { NameContext } from '../../cli/client-names.ts'
import type { Override } from '../../config/overrides.ts'
import type { Configuration } from '../../config/schema.ts'
import type { Accounts } from '../../store/accounts.ts'
import type { DerivationOptions } from '../../xmpp/sasl/scram-credentials.ts'

/** What the command line says about where accounts are. */
export interface AccountsPlace {
  /** The folder of the workspace. */
  readonly home: string
  /** The value of `--config`. */
  readonly file: string | undefined
  /** What else says where the accounts are. */
  readonly overrides: readonly Override[]
  /** The value of `--domain`. */
  readonly domain: string | undefined
}

/** The accounts that `serve` uses with this configuration, and its rules for them. */
export interface UserAccounts {
  readonly store: Accounts
  /** Of the database that has them, with a password in it maybe; undefined: they are in the workspace. */
  readonly url: string | undefined
  /** How keys are made of a new password. */
  readonly derivation: DerivationOptions
  /** What the configuration says about logging in. */
  readonly auth: Configuration['auth']
  /** Most accounts of one domain; undefined: no limit. */
  readonly perDomain: number | undefined
  /** Whether `serve` looks at these accounts at all. */
  readonly isServed: boolean
  /** The domains that are served. */
  readonly hosts: readonly string[]
  /** The domain of names without one. */
  readonly names: NameContext
}

/**
 * Opens the accounts for `work`, and closes them behind it.
 * @throws {XmppkiError} NOT_FOUND when there is no workspace, BAD_INPUT about the configuration; UNAVAILABLE, CORRUPT, IO
 * about the database
 */
export async function withAccounts<T>(place: AccountsPlace, work: (accounts: UserAccounts) => Promise<T>): Promise<T> {
  const { home, file, overrides, domain } = place
  const { loadConfiguration } = await import('../../config/load.ts')
  const { storeUrl } = await import('../../config/store-url.ts')
  const { openWorkspace } = await import('../../workspace/base/workspace.ts')
  const { openAccounts } = await import('../../store/open/open-accounts.ts')
  const { paths, defaultDomain } = openWorkspace(home)
  const source = { file, home, overrides, defaultHost: defaultDomain }
  // Its warnings are about serving, and `serve` gives them.
  const configuration = loadConfiguration(source, () => undefined)
  const { auth, general } = configuration
  const { methods, password, max_users_per_domain: most } = auth
  const url = storeUrl(configuration)
  const store = await openAccounts({ url, path: paths.accounts })
  try {
    return await work({
      store,
      url,
      derivation: { hashes: password.hash, iterations: password.scram_iterations },
      auth,
      perDomain: most === 'infinity' ? undefined : most,
      isServed: methods.includes('rdbms'),
      hosts: general.hosts,
      names: { domain: domain ?? defaultDomain, explicit: domain !== undefined },
    })
  } finally {
    await store.close()
  }
}
