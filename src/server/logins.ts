import type { SaslMechanism } from '../xmpp/sasl/mechanism.ts'
import { requiringAccount } from './account-gate.ts'
import type { CertificateLogin } from './certificate-login.ts'
import type { LoginMethod } from './listener.ts'
import type { Log } from './log.ts'
import type { PasswordLogin, PasswordOptions } from './password-login.ts'
import type { LoginConnection } from './session-host.ts'

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
  mechanisms(domain: string, connection: LoginConnection, methods: Methods): readonly SaslMechanism[] {
    const { passwords } = this.#options
    return [
      ...(methods.includes('certificate') ? this.#external(domain, connection) : []),
      ...(methods.includes('password') ? passwords.mechanisms(domain, connection) : []),
    ]
  }

  #external(domain: string, connection: LoginConnection): readonly SaslMechanism[] {
    const { certificates, rules, log } = this.#options
    const { certificates: use, passwords } = rules()
    if (use === 'none') return []
    const offered = certificates.mechanisms(domain, connection)
    if (use === 'login') return offered
    // Without accounts nobody has one.
    return passwords === undefined ? [] : offered.map((one) => requiringAccount(one, passwords.accounts, log))
  }
}
