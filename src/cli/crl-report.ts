import { XmppkiError } from '../errors.ts'
import { type Authority, keyFileOf } from '../workspace/authority.ts'
import type { PublishedCrl } from '../workspace/publish-crl.ts'
import { day } from './output.ts'

/** A CRL that was written, as `--json` shows it. */
export interface CrlDocument {
  /** Subject of the CA. */
  readonly issuer: string
  /** Absolute path. */
  readonly file: string
  /** The CRL number (RFC 5280 §5.2.3). */
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}

export function crlDocument({ issuer, file, number, thisUpdate, nextUpdate }: PublishedCrl): CrlDocument {
  return { issuer, file, number, thisUpdate, nextUpdate }
}

/** For `columns`: where each CRL is and how long it is good. */
export function crlRows(crls: readonly PublishedCrl[]): [string, string][] {
  return crls.flatMap(({ file, number, nextUpdate }): [string, string][] => [
    ['CRL', `${file} (number ${number})`],
    ['good until', day(nextUpdate)],
  ])
}

/** That a list could not be written; undefined when all were. */
export function missingCrlKeys(withoutKey: readonly Authority[]): XmppkiError | undefined {
  if (withoutKey.length === 0) return undefined
  const files = withoutKey.map(({ files: { crl } }) => crl).join(' and ')
  const keys = withoutKey.map(({ files }) => keyFileOf(files)).join(' and ')
  return new XmppkiError('PARTIAL', `${files} is not up to date: the key that signs it is not here`, {
    hint: `xmppki serve knows what is revoked; for other servers put ${keys} back for a moment and run: xmppki ca crl`,
  })
}
