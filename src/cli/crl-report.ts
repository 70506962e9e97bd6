import { XmppkiError } from '../errors.ts'
import { keyFileOf } from '../workspace/base/authority.ts'
import { crlObstacle, type PublishedCrl, type UnsignedCrl } from '../workspace/ca/publish-crl.ts'
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
export function outdatedCrls(unsigned: readonly UnsignedCrl[]): XmppkiError | undefined {
  if (unsigned.length === 0) return undefined
  const obstacles = unsigned.flatMap(({ authority }) => crlObstacle(authority) ?? [])
  const others = unsigned.filter(({ authority }) => authority.signsCrls)
  const texts = others.map(({ authority: { files }, reason }) => {
    return `${files.crl} is not up to date: ${reason?.message ?? 'the key that signs it is not here'}`
  })
  const messages = [...texts, ...obstacles.map(({ message }) => message)]
  const hint = others.length === 0 ? obstacles[0]?.hint : catchUpHint(others)
  return new XmppkiError('PARTIAL', messages.join('; '), hint === undefined ? {} : { hint })
}

function catchUpHint(unsigned: readonly UnsignedCrl[]): string {
  const away = unsigned.filter(({ reason }) => reason === undefined).map(({ authority }) => keyFileOf(authority.files))
  const fetch = away.length === 0 ? '' : `put ${away.join(' and ')} back for a moment and `
  return `xmppki serve knows what is revoked; for other servers ${fetch}run: xmppki ca crl`
}
