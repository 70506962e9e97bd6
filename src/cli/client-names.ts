import { XmppkiError } from '../errors.ts'
import { type Jid, JidError, parseJid, prepareLocalpart } from '../xmpp/address/jid.ts'

/** RFC 5280 appendix A.1, ub-common-name: characters, not octets. */
const MAX_COMMON_NAME = 64

/** A user to issue for, as it was written and as it is. */
export interface NamedClient {
  readonly given: string
  /** Bare, with a localpart. */
  readonly jid: Jid
}

/** The domain of names that come without one. */
export interface NameContext {
  readonly domain: string
  /** Whether the user asked for this domain; then a name at another one is a contradiction. */
  readonly explicit: boolean
}

/**
 * Checks all names: localparts or bare JIDs.
 * @throws {XmppkiError} BAD_NAME naming every name that cannot be used, USAGE when a JID contradicts `--domain`
 */
export function parseClientNames(names: readonly string[], context: NameContext): NamedClient[] {
  const problems: string[] = []
  const clients: NamedClient[] = []
  for (const given of names) {
    try {
      const jid = parseName(given, context.domain)
      if (clients.some((other) => other.jid.equals(jid))) throw new JidError(`the user ${jid} is named twice`)
      clients.push({ given, jid })
    } catch (error) {
      if (!(error instanceof JidError)) throw error
      problems.push(`${quote(given)} (${error.reason})`)
    }
  }
  if (problems.length > 0) throw badNames(problems, names.length)
  if (context.explicit) for (const client of clients) checkDomain(client, context.domain)
  return clients
}

/**
 * As {@link parseClientNames} for a name in a list, where the others go on without it.
 * @throws {XmppkiError} BAD_NAME, USAGE
 */
export function parseListedName(given: string, context: NameContext): NamedClient {
  try {
    const client = { given, jid: parseName(given, context.domain) }
    if (context.explicit) checkDomain(client, context.domain)
    return client
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new XmppkiError('BAD_NAME', `${quote(given)} cannot be used: ${error.reason}`, { spec: 'RFC 7622 §3.3' })
  }
}

/** A flag that names one folder for the users of all domains, and what each of them gets in it. */
export const ONE_FOLDER = { '--out': 'folder', '--sheets': 'sheet' } as const

export type OneFolder = keyof typeof ONE_FOLDER

/** In one folder for all there is none for the domain. @throws {XmppkiError} USAGE */
export function checkFolders(clients: readonly NamedClient[], flag: OneFolder): void {
  if (new Set(clients.map(({ jid }) => jid.local)).size === clients.length) return
  const what = `users of the same name at different domains would share a ${ONE_FOLDER[flag]} in ${flag}`
  throw new XmppkiError('USAGE', what, { hint: 'issue for one domain at a time, each with a folder of its own' })
}

/** What to tell the user about a name that stands for another one. */
export function remarkOnForm({ given, jid }: NamedClient): string[] {
  if (given === jid.local || given === jid.toString()) return []
  return [`${quote(given)} is the user ${jid}: XMPP addresses are compared in this form (RFC 7622 §3.3)`]
}

/** What to tell about names that are to be in certificates, and were taken otherwise than the user may think. */
export function remarksAbout(client: NamedClient): string[] {
  const { jid } = client
  const remarks = remarkOnForm(client)
  if (Array.from(jid.local ?? '').length > MAX_COMMON_NAME) {
    remarks.push(
      `the username of ${jid} is longer than the ${MAX_COMMON_NAME} characters of a Common Name (RFC 5280, ` +
        'ub-common-name): the JID stands only in xmppAddr, and servers that read the Common Name will not know the user',
    )
  }
  return remarks
}

function parseName(name: string, domain: string): Jid {
  if (!name.includes('@')) return parseJid(`${prepareLocalpart(name)}@${domain}`)
  const jid = parseJid(name)
  if (jid.local === undefined) throw new JidError('there is no username before the @')
  if (!jid.isBare) throw new JidError(`this is a full JID; leave /${jid.resource} away or use --device`)
  return jid
}

function checkDomain({ given, jid }: NamedClient, domain: string): void {
  if (jid.domain === domain) return
  throw new XmppkiError('USAGE', `${quote(given)} is not at the domain ${domain} given by --domain`, {
    hint: 'omit --domain (and XMPPKI_DOMAIN), or give names without a domain',
  })
}

function badNames(problems: readonly string[], total: number): XmppkiError {
  const count = total === 1 ? 'this name' : `${problems.length} of ${total} names`
  return new XmppkiError('BAD_NAME', `${count} cannot be used: ${problems.join(', ')}`, {
    hint: 'nothing was written; give usernames such as alice, or bare JIDs such as alice@example.org',
    spec: 'RFC 7622 §3.3',
  })
}

/** Control characters would act on the terminal. */
function quote(name: string): string {
  return JSON.stringify(name)
}
