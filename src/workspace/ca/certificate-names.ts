import { OID } from '../../pki/der/oids.ts'
import type { CertificateFacts } from '../../pki/x509/certificate.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { tryParseJid } from '../../xmpp/address/jid.ts'

type Names = Pick<CertificateFacts, 'xmppAddrs' | 'commonNames' | 'dnsNames' | 'subject'>

/** What the ledger calls a certificate. */
type Called = Pick<IssuedRecord, 'kind' | 'name'>

/**
 * What the ledger calls the client of a certificate that another program has issued: the JID where there is one; a CN
 * alone is a username, as in the openssl walkthrough.
 * @param domain of usernames that come without one
 */
export function clientName({ xmppAddrs, commonNames, subject }: Names, domain: string): string {
  const [commonName = ''] = commonNames
  const text = xmppAddrs[0] ?? (commonName.includes('@') ? commonName : `${commonName}@${domain}`)
  const jid = tryParseJid(text)
  return jid?.local !== undefined && jid.isBare ? jid.toString() : subject
}

function serverName({ dnsNames, commonNames, subject }: Names): string {
  const jid = tryParseJid(dnsNames[0] ?? commonNames[0] ?? '')
  return jid !== undefined && jid.local === undefined && jid.isBare ? jid.domain : subject
}

function isForServers({ extendedKeyUsage, isCa }: CertificateFacts): boolean {
  const purposes = extendedKeyUsage ?? []
  return isCa || (purposes.includes(OID.serverAuth) && !purposes.includes(OID.clientAuth))
}

/** What the ledger calls a certificate that another program has issued. @param domain as in {@link clientName} */
export function calledInLedger(facts: CertificateFacts, domain: string): Called {
  return isForServers(facts)
    ? { kind: 'server', name: serverName(facts) }
    : { kind: 'client', name: clientName(facts, domain) }
}
