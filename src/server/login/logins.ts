import type { Jid } from '../../xmpp/address/jid.ts'
import { failed } from '../../xmpp/sasl/attempt.ts'
import type { SaslFailure, SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { Log } from '../log.ts'
import type { LoginMethod } from '../net/listener.ts'
import type { Session } from '../session/session.ts'
import type { LoginConnection } from '../stream/stream-host.ts'
import { gated } from './account-check.ts'
import { isFailure, lookUp } from './account-lookup.ts'
import type { CertificateLogin } from './certificate-login.ts'
import { certificateOf } from './credential.ts'
import type { PasswordLogin, PasswordOptions } from './password-login.ts'

/** What certificates are good for: to log in, to log in where there is an account, or for nothing. */
export type CertificateUse = 'login' | 'account' | 'none'

export interface LoginsOptions {
  readonly certificates: CertificateLogin
  readonly passwords: PasswordLogin
  /** What holds now. */
  readonly rules: () => { readonly certificates: CertificateUse; readonly passwords: PasswordOptions | undefined }
  readonly log: Log
}

/** What a listener takes. */
type Methods = readonly LoginMethod[]

const NOT_TAKEN = failed('not-authorized', 'it is not accepted by this listener any more')

/** All ways to log in, for one connection after the other. */
export class Logins {
  readonly #options: LoginsOptions

  constructor(options: LoginsOptions) {
    this.#options = options
  }

  /** Mechanisms that are switched on for a listener, whether or not they are offered on a connection. */
  enabled(methods: Methods): ReadonlySet<string> {
    const { rules, passwords } = this.#options
    const external = rules().certificates !== 'none' && methods.includes('certificate') ? ['EXTERNAL'] : []
    return new Set([...external, ...(methods.includes('password') ? passwords.enabled : [])])
  }

  /** Those that can succeed on this connection now. RFC 6120 §6.3.4: EXTERNAL first. */
  mechanisms(domain: string, connection: LoginConnection, methods: () => Methods): readonly SaslMechanism[] {
    const { certificates, passwords, rules } = this.#options
    const takes = (method: LoginMethod) => methods().includes(method)
    const isAsked = rules().certificates !== 'none' && takes('certificate')
    const external = isAsked ? certificates.mechanisms(domain, connection) : []
    const others = takes('password') ? passwords.mechanisms(domain, connection) : []
    // The rules may be others by the time that it is used.
    return [
      ...external.map((one) => gated(one, (account) => (takes('certificate') ? this.#refusal(account) : NOT_TAKEN))),
      ...others.map((one) => gated(one, () => (takes('password') ? undefined : NOT_TAKEN))),
    ]
  }

  /**
   * Those that could not log in again with what they have logged in with, as far as that can be found out now.
   * @param methodsOf what the listener takes by which a session came
   */
  async *rejected(sessions: readonly Session[], methodsOf: (session: Session) => Methods): AsyncIterable<Session> {
    for (const session of sessions) {
      const { credential, account } = session
      const isByPassword = certificateOf(credential) === undefined
      if (!methodsOf(session).includes(isByPassword ? 'password' : 'certificate')) {
        yield session
        continue
      }
      const refusal = isByPassword ? undefined : await this.#refusal(account)
      // A store that is away answers late: nobody waits for it once for every session.
      if (refusal?.condition === 'temporary-auth-failure') return
      if (isByPassword ? this.#options.rules().passwords === undefined : refusal !== undefined) yield session
    }
  }

  /** Why this account does not log in with a certificate, whatever the certificate says. */
  #refusal(account: Jid): SaslFailure | undefined | Promise<SaslFailure | undefined> {
    const { certificates: use, passwords } = this.#options.rules()
    if (use === 'login') return undefined
    if (use === 'none') return failed('not-authorized', 'certificates are not accepted any more')
    return this.#missing(account, passwords)
  }

  async #missing(account: Jid, passwords: PasswordOptions | undefined): Promise<SaslFailure | undefined> {
    const found = passwords && (await lookUp(passwords.accounts, account, this.#options.log))
    if (isFailure(found)) return found
    return found === undefined ? failed('not-authorized', `there is no account ${account.bare()}`) : undefined
  }
}
