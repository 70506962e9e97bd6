import { type Jid, tryParseJid } from '../../xmpp/address/jid.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { ResourceRequest } from '../../xmpp/stream/stream-feature.ts'
import { randomText } from '../random-text.ts'

/** People read resources: 72 bits are enough where a guess costs a message. */
const LENGTH = 12

/** RFC 6120 §7.6.1: unpredictable, because whoever knows a full JID can send to it without being asked. */
export function generatedJid(account: Jid, tag = ''): Jid {
  const unique = randomText().slice(0, LENGTH)
  if (tag === '') return account.withResource(unique)
  // XEP-0386 §3.2.1: a tag that cannot be part of a resource is left out; it is only there to be read.
  return tryParseJid(`${account.bare()}/${tag}/${unique}`) ?? account.withResource(unique)
}

/** The full JID that a client asks for, or one of the server's making. */
export function wantedJid(account: Jid, { resource, tag }: ResourceRequest): Jid | StanzaError {
  if (resource === undefined) return generatedJid(account, tag)
  try {
    return account.withResource(resource)
  } catch {
    // RFC 6120 §7.7.2.1
    return { condition: 'bad-request', text: 'the resource cannot be prepared' }
  }
}
