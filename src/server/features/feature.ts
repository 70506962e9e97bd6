import type { Jid } from '../../xmpp/address/jid.ts'
import type { StanzaError, StanzaName } from '../../xmpp/stanza.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { EnrolmentService } from '../accounts/enrolment-service.ts'
import type { BoundSession, Directory } from '../session/session-registry.ts'

/** A specification that a feature implements, for service discovery and the manual. */
export interface SpecClaim {
  /** `RFC 6121` or `XEP-0199`. */
  readonly spec: string
  /** The sections that hold, or the version of the XEP. */
  readonly scope: string
}

/** A payload by its element name and namespace. */
export interface QName {
  readonly name: string
  readonly namespace: string
}

/** The answer to an IQ; the router turns it into the one stanza that goes back. */
export type IqReply =
  | {
      readonly type: 'result'
      readonly payload?: Element
      /** What follows when it is on its way. */
      readonly after?: () => void
    }
  | { readonly type: 'error'; readonly error: StanzaError }

/** An IQ get or set addressed to the server or to the sender's own account. */
export interface IqRequest {
  readonly iq: Element
  /** The one child that RFC 6120 §8.2.3 demands. */
  readonly payload: Element
  readonly session: BoundSession
  /** The domain it concerns, or the sender's bare JID. */
  readonly to: Jid
}

export type IqHandler = (request: IqRequest) => IqReply | Promise<IqReply>

/** A message or presence on its way; `to` is undefined when the sender named nobody. */
export interface StanzaRequest {
  readonly stanza: Element
  readonly session: BoundSession
  readonly to: Jid | undefined
}

/**
 * What a handler decides: `pass` lets the next one see the stanza, `done` means that it has been dealt
 * with, an error goes back to the sender.
 */
export type Verdict = 'pass' | 'done' | StanzaError

export type StanzaHandler = (request: StanzaRequest) => Verdict

/**
 * When a handler runs: `screen` before routing, `deliver` when the account that a message is for has
 * nobody to take it, `observe` after a stanza has been routed.
 */
export type Phase = 'screen' | 'deliver' | 'observe'

/** All that a feature may use of the server. */
export interface FeatureHost {
  readonly directory: Directory
  /** Namespaces that the features advertise now, in order (XEP-0030 §3.1). */
  readonly advertised: readonly string[]
  /** Where accounts enrol certificates, if they may. */
  readonly enrolments: EnrolmentService | undefined
  /** Where accounts get other passwords, if they have any. */
  readonly accounts: AccountService | undefined
  /** Answers one payload, at the server's domains or at the sender's own account. */
  onIq(type: 'get' | 'set', at: 'account' | 'domain', payload: QName, handle: IqHandler): void
  onStanza(phase: Phase, name: Exclude<StanzaName, 'iq'>, handle: StanzaHandler): void
  /** Runs when a session has ended and is no longer in the directory. */
  onEnd(handle: (session: BoundSession) => void): void
}

/** One capability of the server: short, on its own, and added by one line in `features/all.ts`. */
export interface Feature {
  readonly name: string
  readonly claims: readonly SpecClaim[]
  /** Namespaces for service discovery. */
  readonly advertises: readonly string[]
  /** Without this it is not advertised. */
  readonly needs?: 'enrolments' | 'accounts'
  install(host: FeatureHost): void
}
