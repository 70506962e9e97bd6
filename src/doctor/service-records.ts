import { Resolver } from 'node:dns/promises'
import { parseDomain } from '../pki/x509/domain.ts'
import { about, type Finding } from './finding.ts'

/** For both questions together. */
const LIMIT_MS = 3_000

/** RFC 6120 §3.2.1, XEP-0368 §3 */
const SERVICES = [
  { name: '_xmpp-client._tcp', meaning: 'STARTTLS' },
  { name: '_xmpps-client._tcp', meaning: 'direct TLS' },
] as const

/** What DNS can answer; Node's `Resolver` fits. */
export interface SrvSource {
  resolveSrv(name: string): Promise<readonly { readonly name: string; readonly port: number }[]>
  cancel(): void
}

/** Where DNS sends the clients of this domain. That DNS cannot be asked is not a fault of the workspace. */
export async function examineServiceRecords(
  domain: string,
  source: SrvSource = new Resolver({ timeout: 1_000, tries: 2 }),
): Promise<Finding[]> {
  const { ascii } = parseDomain(domain)
  // RFC 6761 §6.3: never in DNS.
  if (ascii === 'localhost' || ascii.endsWith('.localhost')) {
    return [about('DNS')('note', `${domain} is this machine and not in DNS: clients need to be told where to connect`)]
  }
  const timer = setTimeout(() => source.cancel(), LIMIT_MS)
  try {
    return await Promise.all(SERVICES.map((service) => ask(source, service, ascii)))
  } finally {
    clearTimeout(timer)
  }
}

async function ask(source: SrvSource, { name, meaning }: (typeof SERVICES)[number], ascii: string): Promise<Finding> {
  const note = about(`DNS ${name}`)
  try {
    const records = await source.resolveSrv(`${name}.${ascii}`)
    // RFC 2782: a lone "." says that the service is decidedly not there.
    if (records.every(({ name: target }) => target === '' || target === '.')) {
      return note(
        'warning',
        `says that ${ascii} has no ${meaning} for clients`,
        'remove the record, or let it name a host',
      )
    }
    return note('ok', records.map(({ name: target, port }) => `${target}:${port}`).join(', '))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'ENODATA' || code === 'ENOTFOUND') {
      const fallback = name === '_xmpp-client._tcp' ? `clients try ${ascii}:5222` : 'clients use STARTTLS'
      return note('note', `no record: ${fallback}`)
    }
    return note('note', `DNS could not be asked (${code})`)
  }
}
