import { randomUUID } from 'node:crypto'
import { type Jid, tryParseJid } from '../xmpp/jid.ts'

/** 72 random bits in 12 characters: those of a UUID, which Node.js draws many at a time, without the fixed ones. */
function randomText(): string {
  const uuid = randomUUID()
  return Buffer.from(uuid.slice(0, 8) + uuid.slice(-10), 'hex').toString('base64url')
}

/** RFC 6120 §7.6.1: unpredictable, because whoever knows a full JID can send to it without being asked. */
export function generatedJid(account: Jid, tag = ''): Jid {
  const unique = randomText()
  if (tag === '') return account.withResource(unique)
  // XEP-0386 §3.2.1: a tag that cannot be part of a resource is left out; it is only there to be read.
  return tryParseJid(`${account.bare()}/${tag}/${unique}`) ?? account.withResource(unique)
}
