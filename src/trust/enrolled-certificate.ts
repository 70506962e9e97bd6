import { XmppkiError } from '../errors.ts'
import { DerError } from '../pki/der/der.ts'
import { keyFault } from '../pki/keys/key-strength.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../pki/x509/certificate.ts'
import { readRawCertificate } from '../pki/x509/certificate-der.ts'
import { type Jid, tryParseJid } from '../xmpp/address/jid.ts'
import { checkForm, checkPurpose, checkValidity } from './checks.ts'

/** Real ones have one or two kilobytes. */
const MAX_BYTES = 8_192

/** What may be enrolled, or why not, in words that complete "the certificate …". */
export type EnrolmentVerdict = { readonly facts: CertificateFacts } | { readonly reason: string }

/**
 * Whether an account may enrol this certificate to log in with (XEP-0257). Nobody vouches for it: the account does. So
 * its signature means nothing, and what is checked is what a certificate of a CA would be refused for as well. One that
 * begins to be valid later may be enrolled now. Never throws.
 */
export function judgeForEnrolment(der: Uint8Array, account: Jid, now: Date): EnrolmentVerdict {
  if (der.length > MAX_BYTES) return { reason: `has more than ${MAX_BYTES} bytes` }
  try {
    const facts = readCertificate(der)
    // A weaker key could be computed from the certificate, which everybody may see.
    const fault = keyFault(readRawCertificate(der).publicKeyInfo)
    void openCertificate(der)
    const reason = problemOf(facts, account, now) ?? (fault && `has ${fault.reason}`)
    return reason === undefined ? { facts } : { reason }
  } catch (error) {
    if (!(error instanceof XmppkiError || error instanceof DerError)) throw error
    return { reason: 'cannot be read' }
  }
}

function problemOf(facts: CertificateFacts, account: Jid, now: Date): string | undefined {
  const later = new Date(Math.max(now.getTime(), facts.notBefore.getTime()))
  const refusal = checkForm(facts) ?? checkValidity(facts, later) ?? checkPurpose(facts, 'clientAuth')
  if (refusal !== undefined) return `is not good for a login: ${refusal.reason}`
  if (isAuthority(facts)) return 'is that of a certificate authority'
  // Otherwise somebody could claim what is meant for another account before its owner does.
  const addresses = facts.xmppAddrs.map((address) => tryParseJid(address)?.bare())
  return addresses.length === 0 || addresses.some((address) => address?.equals(account))
    ? undefined
    : 'names another account'
}

/**
 * `openssl req -x509` makes self-signed certificates that call themselves a CA and say nothing of what the key may sign;
 * so is the one in XEP-0257 §2.1. Here they prove their own key, and nothing below them is ever accepted.
 */
function isAuthority({ isCa, keyUsage, subject, issuer }: CertificateFacts): boolean {
  return isCa && (subject !== issuer || keyUsage?.includes('keyCertSign') === true)
}
