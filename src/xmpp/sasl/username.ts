import { type Jid, JidError, prepareLocalpart, tryParseJid } from '../address/jid.ts'
import { accountAt } from './account-name.ts'

/** What is put round a name of a certificate to make the localpart. */
export interface Affixes {
  readonly prefix: string
  readonly suffix: string
}

/** A combining mark would be read as part of the character before it. */
const BEGINS_WITH_MARK = /^\p{M}/u

/**
 * Whether a Common Name is that of a server and no username: a host that the certificate names, or a domain served here.
 * Public CAs put the first host of a certificate there (CA/Browser Forum baseline requirements §7.1.4.3).
 */
export function isHostOf(name: string, hosts: readonly string[]): boolean {
  const text = name.toLowerCase()
  const domain = domainOf(name)
  return hosts.some((host) => host.toLowerCase() === text || (domain !== undefined && domainOf(host) === domain))
}

function domainOf(text: string): string | undefined {
  const jid = text.includes('@') ? undefined : tryParseJid(text)
  return jid?.isBare === true ? jid.domain : undefined
}

/** The account that a Common Name or UID stands for: a localpart, or a bare JID at this domain. */
export function accountOfName(name: string, domain: string, affixes: Affixes): Jid | undefined {
  // A slash would turn the rest into a resource: no username has one.
  if (name === '' || name.includes('/')) return undefined
  const at = name.lastIndexOf('@')
  const [local, rest] = at < 0 ? [name, `@${domain}`] : [name.slice(0, at), name.slice(at)]
  // The affixes hold for a JID too, or a CN of admin@domain would step over a prefix that keeps certificates apart.
  const username = withAffixes(local, affixes)
  return username === undefined ? undefined : accountAt(domain, username + rest)
}

/**
 * Each part is prepared by itself. What changes when they stand together is refused: it would be the name of somebody
 * whose prefix is another.
 */
function withAffixes(local: string, { prefix, suffix }: Affixes): string | undefined {
  if (prefix === '' && suffix === '') return local
  if (prefix !== '' && BEGINS_WITH_MARK.test(local)) return undefined
  const parts = [prefix, local, suffix].map((part, place) => (part === '' && place !== 1 ? '' : prepared(part)))
  if (parts.includes(undefined)) return undefined
  const username = parts.join('')
  return prepared(username) === username ? username : undefined
}

function prepared(text: string): string | undefined {
  try {
    return prepareLocalpart(text)
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    return undefined
  }
}
