import type { Jid } from '../../xmpp/address/jid.ts'
import type { Stanza } from '../../xmpp/stanza.ts'

/** What a client has said of itself to everybody who may know (RFC 6121 §4.2). */
export interface Availability {
  /** RFC 6121 §4.7.2.3 */
  readonly priority: number
  /** Its last presence, for those who come later. */
  readonly stanza: Stanza
}

/** What is known of a session wherever it is: a value, which another one takes the place of. */
export interface Resource {
  /** Full JID. */
  readonly jid: Jid
  /** Undefined while it is not available. */
  readonly presence: Availability | undefined
  /** Fingerprint of the certificate that it has logged in with, if the account has enrolled that itself (XEP-0257). */
  readonly enrolled: string | undefined
  /** What features have made known of it, each in its slot. */
  readonly shared: readonly unknown[]
}

/** What became of a stanza: its client gets it, there is no such session, or too much waits for a client that does not read. */
export type Delivery = 'taken' | 'gone' | 'full'

/** Who is online, at once to be asked. Nobody changes anything through it but by what is delivered. */
export interface SessionRegistry {
  /** All of an account, available or not, in the order in which they came. */
  resources(account: Jid): readonly Resource[]
  deliver(full: Jid, stanza: Stanza): Delivery
}
