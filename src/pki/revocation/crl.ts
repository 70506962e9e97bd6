import { XmppkiError } from '../../errors.ts'
import { encodePem } from '../der/pem.ts'
import type { Issuer } from '../issue/issuer.ts'
import { signStructure } from '../keys/signature.ts'
import { compareSerials } from '../x509/serial-number.ts'
import { isCrlAsAsked } from './crl-as-asked.ts'
import type { RevokedEntry } from './revoked-entry.ts'

/** A CRL that has just been signed. */
export interface CreatedCrl {
  readonly pem: string
  readonly der: Uint8Array
}

/** By value: the same ledger gives the same list, whatever the order of its rows. */
function inOrder(entries: readonly RevokedEntry[]): readonly RevokedEntry[] {
  const sorted = entries.toSorted((a, b) => compareSerials(a.serial, b.serial))
  const repeated = sorted.find(({ serial }, at) => {
    const before = sorted[at - 1]
    return before !== undefined && compareSerials(before.serial, serial) === 0
  })
  if (repeated !== undefined) throw new XmppkiError('INTERNAL', `serial ${repeated.serial} is revoked twice`)
  return sorted
}

function checkRequest(request: { number: bigint; thisUpdate: Date; nextUpdate: Date; issuer: Issuer }): void {
  const { number, thisUpdate, nextUpdate, issuer } = request
  // RFC 5280 §5.2.3: at most 20 octets, never negative.
  if (number < 0n || number >= 1n << 159n) throw new XmppkiError('BAD_INPUT', `${number} cannot be a CRL number`)
  if (nextUpdate <= thisUpdate) {
    throw new XmppkiError('BAD_INPUT', 'the next update of a CRL must be after this one', { spec: 'RFC 5280 §5.1.2.5' })
  }
  if (issuer.certificate.keyUsage?.includes('cRLSign') === false) {
    throw new XmppkiError('BAD_INPUT', `the CA may not sign CRLs (${issuer.certificate.subject})`, {
      hint: 'its keyUsage lacks cRLSign',
      spec: 'RFC 5280 §4.2.1.3',
    })
  }
}

/**
 * A complete CRL, version 2 with CRL number and authorityKeyIdentifier (RFC 5280 §5), made in time
 * linear in its entries: 20,000 take about a second, in which others have their turns.
 * @param request.number larger than that of every CRL before (RFC 5280 §5.2.3)
 * @throws XmppkiError BAD_INPUT for an issuer that may not sign CRLs, a number or dates that cannot be;
 *   INTERNAL when a serial number is there twice, or what was made does not say what was asked for
 */
export async function createCrl(request: {
  readonly issuer: Issuer
  readonly entries: readonly RevokedEntry[]
  readonly number: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}): Promise<CreatedCrl> {
  checkRequest(request)
  const content = { ...request, entries: inOrder(request.entries) }
  // Loaded only by who writes CRLs.
  const { tbsCertList } = await import('./tbs-cert-list.ts')
  const der = await signStructure(await tbsCertList(content), request.issuer.key)
  if (!(await isCrlAsAsked(der, content))) {
    throw new XmppkiError('INTERNAL', 'the CRL that was just signed is not what was asked for')
  }
  return { pem: encodePem('X509 CRL', der), der }
}
