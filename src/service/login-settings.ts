import { type LoginMethods, loginMethods } from '../config/login-methods.ts'
import type { C2sConfiguration, Configuration } from '../config/schema.ts'
import type { AccountOptions } from '../server/accounts/account-service.ts'
import type { CertificateUse } from '../server/login/logins.ts'
import type { LoginMethod } from '../server/net/listener.ts'
import type { Accounts } from '../store/accounts.ts'

/** What certificates are good for. */
export function certificateUse({ auth }: Configuration): CertificateUse {
  if (!loginMethods(auth).certificates) return 'none'
  return auth.pki.require_account ? 'account' : 'login'
}

/** How accounts log in with passwords. */
export function accountMeans({ auth }: Configuration, accounts: Accounts): AccountOptions {
  const { passwords: mechanisms }: LoginMethods = loginMethods(auth)
  const { password, max_users_per_domain: most, registration } = auth
  return {
    accounts,
    hashes: password.hash,
    iterations: password.scram_iterations,
    mechanisms,
    registration,
    maxPerDomain: most === 'infinity' ? undefined : most,
  }
}

/** Undefined: every method. */
export function listenerMethods({ allowed_auth_methods: allowed }: C2sConfiguration): LoginMethod[] | undefined {
  return allowed?.map((method) => (method === 'pki' ? 'certificate' : 'password'))
}
