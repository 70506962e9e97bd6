import { DEFAULT_MIN_RSA_BITS } from '../../pki/keys/key-strength.ts'
import { LedgerWatch } from '../../store/ledger-watch.ts'
import type { SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { Login } from '../../xmpp/stream/stream-feature.ts'
import { ALL_METHODS, listenerOptions, methodsByListener } from '../net/endpoint.ts'
import type { LoginMethod } from '../net/listener.ts'
import type { ServerOptions } from '../server-options.ts'
import type { Session, SessionStream } from '../session/session.ts'
import type { LoginConnection } from '../stream/stream-host.ts'
import { CertificateLogin, type CertificateLoginOptions } from './certificate-login.ts'
import { CertificateWatch } from './certificate-watch.ts'
import { certificateOf } from './credential.ts'
import { EnrolledLogin, type EnrolledLoginOptions } from './enrolled-login.ts'
import { EnrolmentTrust } from './enrolment-trust.ts'
import { LoginBackoff } from './login-backoff.ts'
import { Logins } from './logins.ts'
import { PasswordLogin } from './password-login.ts'

/** Who may log in, with what and on which listener, and who may stay. */
export class Authentication {
  /** What CAs have to do with certificates that accounts enrol. */
  readonly enrolmentTrust: EnrolmentTrust
  readonly #certificates: CertificateLogin
  readonly #enrolled: EnrolledLogin
  readonly #logins: Logins
  readonly #watch: CertificateWatch
  #options: ServerOptions
  #methods: ReturnType<typeof methodsByListener>

  /** @param enrolledLedger undefined while enrolled certificates are not accepted; asked at every use */
  constructor(options: ServerOptions, enrolledLedger: EnrolledLoginOptions['ledger']) {
    const { login, log } = options
    this.#options = options
    this.#methods = methodsByListener(options)
    this.enrolmentTrust = new EnrolmentTrust(login.now)
    this.#enrolled = new EnrolledLogin({
      minRsaBits: () => this.#options.login.minRsaBits ?? DEFAULT_MIN_RSA_BITS,
      ledger: enrolledLedger,
      revokedVoucher: (chain) => this.enrolmentTrust.revokedVoucher(chain),
      now: () => this.#options.login.now(),
    })
    this.#certificates = new CertificateLogin(this.#loginOptions(options))
    const { ledger, watch = new LedgerWatch(ledger), now } = login
    this.#watch = new CertificateWatch({ ledger, watch, now, log })
    const rules = () => {
      const { certificates = 'login', passwords } = this.#options
      return { certificates, passwords }
    }
    const backoff = new LoginBackoff(() => login.now().getTime())
    const passwords = new PasswordLogin({ passwords: () => rules().passwords, backoff, log })
    this.#logins = new Logins({ certificates: this.#certificates, passwords, rules, log })
  }

  /** Takes up other CAs, listeners and rules; they hold for every login from then on. */
  update(options: ServerOptions): void {
    this.#options = options
    this.#methods = methodsByListener(options)
    this.#certificates.update(this.#loginOptions(options))
  }

  /** What a listener takes. Sessions outlive their listener; then what the server takes is all that counts. */
  methodsOf(listener: string): readonly LoginMethod[] {
    return this.#methods.get(listener) ?? ALL_METHODS
  }

  /** Whether a mechanism is switched on for a listener, whether or not it is offered on a connection. */
  isEnabled(mechanism: string, listener: string): boolean {
    return this.#logins.enabled(this.methodsOf(listener)).has(mechanism)
  }

  /** Those that can succeed on this connection now, in order of preference. */
  mechanisms(domain: string, connection: LoginConnection): readonly SaslMechanism[] {
    return this.#logins.mechanisms(domain, connection, () => this.methodsOf(connection.listener))
  }

  /**
   * Watches over what a stream has logged in with, and closes it when that does not hold any more.
   * @param isLate time has passed since it was judged
   */
  loggedIn(stream: SessionStream, { credential }: Login, isLate: boolean): void {
    const certificate = certificateOf(credential)
    if (certificate === undefined) return
    this.#certificates.loggedIn(certificate)
    this.#watch.watch(stream, certificate, isLate)
  }

  /** The stream is gone. */
  forget(stream: SessionStream): void {
    this.#watch.forget(stream)
  }

  /** Judges all who are logged in anew, after an update: certificates are ended at once, the others answered. */
  async *rejected(sessions: () => readonly Session[]): AsyncIterable<Session> {
    await this.#watch.judgeAll()
    yield* this.#logins.rejected(sessions(), ({ listener }) => this.methodsOf(listener))
  }

  stop(): void {
    this.#watch.stop()
  }

  #loginOptions(options: ServerOptions): CertificateLoginOptions {
    const trusts = new Map(listenerOptions(options).map(({ name, trust }) => [name, trust]))
    this.enrolmentTrust.update([...trusts.values()])
    const onPath = this.enrolmentTrust.note.bind(this.enrolmentTrust)
    return { ...options.login, enrolled: this.#enrolled, onPath, trusts, log: options.log }
  }
}
