import type { CertificateFacts } from '../pki/x509/certificate.ts'
import { parseDomain } from '../pki/x509/domain.ts'

/** RFC 6125 §6.4.3: a wildcard stands for one whole label, the leftmost. */
function matchesDns(name: string, domain: string): boolean {
  const lower = name.toLowerCase()
  return lower === domain || (lower.startsWith('*.') && lower.slice(2) === domain.slice(domain.indexOf('.') + 1))
}

/**
 * Under which name a server certificate is for this domain (RFC 6120 §13.7.1.2), in words; undefined when it is not.
 */
export function nameFor(facts: CertificateFacts, domain: string): string | undefined {
  const { ascii, unicode } = parseDomain(domain)
  const services = [`_xmpp-client.${ascii}`, `_xmpps-client.${ascii}`]
  const srv = facts.srvNames.find((name) => services.includes(name.toLowerCase()))
  if (srv !== undefined) return `SRVName ${srv}`
  const dns = facts.dnsNames.find((name) => matchesDns(name, ascii))
  if (dns !== undefined) return `dNSName ${dns}`
  const address = facts.xmppAddrs.find((name) => name.toLowerCase() === unicode)
  return address && `xmppAddr ${address}`
}

/** Every name that a server certificate is for, a few of them. */
export function namesIn({ dnsNames, srvNames, xmppAddrs, commonNames }: CertificateFacts): string {
  const names = [...new Set([...dnsNames, ...srvNames, ...xmppAddrs])]
  if (names.length === 0)
    return `no name but the Common Name ${commonNames.join(', ') || '(none)'}, which does not count`
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} …` : names.join(', ')
}
