import { readSingle, TAG } from '../der/der.ts'
import { Slices } from '../der/slices.ts'
import { serialOctets } from '../x509/serial-number.ts'
import { type CrlEntry, EntryCursor } from './crl-entries.ts'
import { isCrlSignedBy } from './crl-facts.ts'
import { type CrlHeader, openCrl } from './crl-reader.ts'
import type { RevokedEntry } from './revoked-entry.ts'
import type { CrlContent } from './tbs-cert-list.ts'

function isSameSecond(one: Date | undefined, other: Date): boolean {
  return one?.getTime() === Math.floor(other.getTime() / 1000) * 1000
}

/** DER of the name, behind version and signature algorithm. */
function issuerOf({ signed }: CrlHeader): Uint8Array {
  const parts = readSingle(signed.tbs, TAG.sequence).reader()
  parts.read(TAG.integer)
  parts.read(TAG.sequence)
  return parts.read(TAG.sequence).raw
}

function saysHeader(list: CrlHeader, { issuer, number, thisUpdate, nextUpdate }: CrlContent): boolean {
  return (
    Buffer.compare(issuerOf(list), issuer.name) === 0 &&
    list.number === number &&
    isSameSecond(list.thisUpdate, thisUpdate) &&
    isSameSecond(list.nextUpdate, nextUpdate) &&
    list.scopeKey === '' &&
    list.delta === undefined &&
    list.unknownCritical.length === 0 &&
    list.faults.length === 0
  )
}

function saysEntry(found: CrlEntry, { serial, revokedAt, reason }: RevokedEntry): boolean {
  return (
    Buffer.compare(found.serial, serialOctets(serial)) === 0 &&
    isSameSecond(found.revokedAt, revokedAt) &&
    found.reason === (reason === 'unspecified' ? undefined : reason) &&
    found.issuers === undefined &&
    found.unknownCritical.length === 0 &&
    !found.isDamaged
  )
}

/**
 * Whether a CRL, as the reader of the login path understands it, is signed by its issuer and says exactly what was asked
 * for: another implementation than the one that has written it.
 * @throws XmppkiError BAD_INPUT when it is not a CRL
 */
export async function isCrlAsAsked(der: Uint8Array, asked: CrlContent): Promise<boolean> {
  const list = openCrl(der, 'the CRL')
  if (!isCrlSignedBy(list, asked.issuer.key.publicKey) || !saysHeader(list, asked)) return false
  const slices = new Slices()
  const cursor = new EntryCursor(list.entries)
  for (const entry of asked.entries) {
    if (!cursor.next() || !saysEntry(cursor.read(), entry)) return false
    if (slices.isDue) await slices.rest()
  }
  return !cursor.next() && cursor.unreadable === 0
}
