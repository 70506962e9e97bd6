import { XmppkiError } from '../../errors.ts'
import { type Jid, tryParseJid } from '../../xmpp/address/jid.ts'

/** The address of an account or of one of its sessions. @throws {XmppkiError} BAD_NAME */
export function parseSessionJid(text: string): Jid {
  const jid = tryParseJid(text)
  if (jid?.local !== undefined) return jid
  throw new XmppkiError('BAD_NAME', `'${text}' is not the address of an account or a session`, {
    hint: 'write user@domain or user@domain/resource; see: xmppki session list',
    spec: 'RFC 7622 §3.1',
  })
}
