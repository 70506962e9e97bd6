import { type Jid, tryParseJid } from '../address/jid.ts'

/** An address that names an account at the stream's domain, normalised; anything else is undefined. */
export function accountAt(domain: string, text: string): Jid | undefined {
  const jid = tryParseJid(text)
  return jid?.local !== undefined && jid.domain === domain ? jid : undefined
}

/**
 * The account that a client names, with the resource if it named one. Some clients send the localpart alone (sendxmpp),
 * and as username of a password that is what most of them send; it names an account of this stream's domain.
 */
export function requestedAccount(name: string, domain: string): Jid | undefined {
  return accountAt(domain, name.includes('@') ? name : `${name}@${domain}`)
}
