import { createSecureContext } from 'node:tls'
import { XmppkiError } from '../../errors.ts'

/** @throws {XmppkiError} BAD_INPUT when OpenSSL knows none of these ciphers, or cannot read the list */
export function assertCiphers(ciphers: string): void {
  try {
    createSecureContext({ ciphers })
  } catch (cause) {
    throw new XmppkiError('BAD_INPUT', `OpenSSL cannot use the ciphers ${JSON.stringify(ciphers)}`, {
      hint: `see what there is with: openssl ciphers -v`,
      cause,
    })
  }
}

/** The same ciphers where {@link assertCiphers} takes them, else none. */
export function usableCiphers(ciphers: string | undefined): string | undefined {
  if (ciphers === undefined) return undefined
  try {
    assertCiphers(ciphers)
    return ciphers
  } catch {
    return undefined
  }
}
