import { XmppkiError } from '../errors.ts'
import { isGiven } from './environment.ts'

const DAY_MS = 86_400_000

/** What is said of a certificate that is not renewed yet. */
export function notDue(notAfter: Date): string {
  const days = Math.floor((notAfter.getTime() - Date.now()) / DAY_MS)
  return `not due: expires in ${days} ${days === 1 ? 'day' : 'days'}`
}

/**
 * The type of a key that stays is what it is. An environment variable may set it for all commands: only the flag is a
 * contradiction.
 * @throws {XmppkiError} USAGE
 */
export function checkKeyType(rekey: boolean, argv: readonly string[]): void {
  if (rekey || !isGiven('key-type', argv)) return
  throw new XmppkiError('USAGE', '--key-type has no effect without --rekey', { hint: 'add --rekey' })
}
