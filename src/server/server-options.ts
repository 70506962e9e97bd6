import type { LoginLedger } from '../store/ledger.ts'
import type { LedgerWatch } from '../store/ledger-watch.ts'
import type { AccountOptions } from './accounts/account-service.ts'
import type { EnrolmentOptions } from './accounts/enrolment-service.ts'
import type { HolderBookOptions } from './accounts/holder-book.ts'
import type { FeatureDependencies } from './features/all.ts'
import type { Feature } from './features/feature.ts'
import type { ServerLimits } from './limits.ts'
import type { Log } from './log.ts'
import type { CertificateLoginOptions } from './login/certificate-login.ts'
import type { CertificateWatchOptions } from './login/certificate-watch.ts'
import type { CertificateUse } from './login/logins.ts'
import type { ClientTrust } from './net/client-trust.ts'
import type { Endpoint } from './net/endpoint.ts'
import type { DomainCredentials } from './net/listener.ts'
import type { ConflictPolicy } from './session/session-binding.ts'

/** How certificates are judged; the anchors are those of endpoints that say nothing else. */
type LoginOptions = Omit<CertificateLoginOptions, 'log' | 'enrolled' | 'trusts' | 'onPath'> &
  Pick<CertificateWatchOptions, 'ledger'> &
  Pick<HolderBookOptions, 'ledger'> &
  Pick<ClientTrust, 'anchors'> & {
    readonly ledger: Pick<LoginLedger, 'changes'>
    /** Of this ledger, where others have to know as well when it changes; default: one of its own. */
    readonly watch?: LedgerWatch
  }

/** Everything a server is made of; nothing is read from files or the environment. */
export interface ServerOptions {
  /** One for each domain served; the first is the default. */
  readonly credentials: readonly DomainCredentials[]
  readonly endpoints: readonly Endpoint[]
  readonly startTls: 'required' | 'offered'
  readonly conflict: ConflictPolicy
  readonly limits: ServerLimits
  readonly login: LoginOptions
  /** What certificates are good for; undefined: to log in. */
  readonly certificates?: CertificateUse
  /** Accounts that log in with passwords; without it nobody does. */
  readonly passwords?: AccountOptions
  /** Accounts enrol certificates of their own and log in with them (XEP-0257); without it they cannot. */
  readonly enrolments?: EnrolmentOptions
  /** What the server can do; default: everything. */
  readonly features?: (dependencies: FeatureDependencies) => readonly Feature[]
  readonly log: Log
}

export function domainsOf({ credentials }: Pick<ServerOptions, 'credentials'>): string[] {
  return credentials.map(({ domain }) => domain)
}
