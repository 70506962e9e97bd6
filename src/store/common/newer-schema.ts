import { XmppkiError } from '../../errors.ts'

/** Tables that a later version has changed must not be written by this one. @param name what messages call the database */
export function newerSchema(name: string): XmppkiError {
  return new XmppkiError('CORRUPT', `${name} was written by a newer xmppki`, { hint: 'install the newest xmppki' })
}
