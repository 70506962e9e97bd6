import type { MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import type { Stanza, StanzaError } from '../../xmpp/stanza.ts'
import type { Session } from '../session/session.ts'

/** Whoever answers for a domain: rooms, an upload service, a component, another server. */
export interface Entity {
  /** In its normal form. */
  readonly domain: string
  /**
   * Takes what is sent to the domain or to an address at it; what is for one bare address comes one after the other.
   * @param to whom it is for, whatever the stanza says
   * @param session that has sent it; undefined when it was not one of this server
   * @returns what goes back to the sender, if anything does
   */
  receive(stanza: Stanza, to: Jid, session: Session | undefined): MaybePromise<StanzaError | undefined>
}
