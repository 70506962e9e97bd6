import { type Jid, tryParseJid } from '../address/jid.ts'
import { accountAt, requestedAccount } from './account-name.ts'
import type { Credential, SaslFailure, SaslMechanism, SaslOutcome } from './mechanism.ts'
import { type Affixes, accountOfName, isHostOf } from './username.ts'
import { decodeUtf8 } from './utf8-message.ts'

/** Where the name of the account may come from, in the operator's order; the first that applies decides. */
export const EXTERNAL_SOURCES = ['xmpp_addr', 'common_name', 'email', 'uid', 'auth_id'] as const

export type ExternalSource = (typeof EXTERNAL_SOURCES)[number]

/** The names in a certificate that has passed every check; all of them as written. */
export interface CertificateNames {
  /** Every id-on-xmppAddr (RFC 6120 §13.7.1.4). */
  readonly xmppAddrs: readonly string[]
  /** Every Common Name of the subject. */
  readonly commonNames: readonly string[]
  /** Every rfc822Name of the subject alternative name. */
  readonly emails: readonly string[]
  /** Every UID (0.9.2342.19200300.100.1.1) of the subject. */
  readonly uids: readonly string[]
  /** Every dNSName of the subject alternative name. */
  readonly dnsNames: readonly string[]
}

export interface ExternalPolicy {
  readonly sources: readonly ExternalSource[]
  /** Put round a Common Name, or a UID, to make the localpart. */
  readonly commonName: Affixes
  /** Every domain that is served; that of the stream is one of them anyway. */
  readonly hosts?: readonly string[]
}

interface Question {
  readonly names: CertificateNames
  /** The domain of this stream. */
  readonly domain: string
  /** What the client asks to act as; `undefined` leaves it to the certificate (RFC 4422 §3.4.1). */
  readonly authzid: string | undefined
  readonly policy: ExternalPolicy
}

/** The account, or a full JID where the certificate ties it to a resource (XEP-0257 §4). */
type Decision = { readonly kind: 'success'; readonly account: Jid } | SaslFailure

/** Answers `undefined` when the source does not apply to this certificate. */
type Source = (question: Question) => Decision | undefined

function failure(condition: SaslFailure['condition'], reason: string): SaslFailure {
  return { kind: 'failure', condition, reason }
}

/** The account that an authzid asks for. The domain itself is not a localpart: it names the server. */
function authorizedAs(authzid: string, domain: string): Jid | undefined {
  const isServer = !authzid.includes('@') && tryParseJid(authzid)?.domain === domain
  return isServer ? undefined : requestedAccount(authzid, domain)
}

/** The address that is meant: of several with the same account, the one with the resource asked for. */
function matching(requested: Jid | undefined, addresses: readonly (Jid | undefined)[]): Jid | undefined {
  if (requested === undefined) return undefined
  const same = addresses.filter((address) => address?.bare().equals(requested.bare()))
  return same.find((address) => address?.equals(requested)) ?? same[0]
}

const fromXmppAddr: Source = ({ names, domain, authzid }) => {
  if (names.xmppAddrs.length === 0) return undefined
  if (authzid !== undefined) {
    const addresses = names.xmppAddrs.map((address) => accountAt(domain, address))
    const match = matching(authorizedAs(authzid, domain), addresses)
    return match
      ? { kind: 'success', account: match }
      : failure('invalid-authzid', 'the authzid is none of the xmppAddrs of the certificate at this domain')
  }
  // XEP-0178 §2: with several addresses only the client can say which one it means, whatever their domains.
  if (names.xmppAddrs.length > 1) return failure('invalid-authzid', 'several xmppAddrs and no authzid')
  const account = accountAt(domain, names.xmppAddrs[0] ?? '')
  return account
    ? { kind: 'success', account }
    : failure('not-authorized', `the xmppAddr of the certificate is not an account at ${domain}`)
}

/** What follows when the certificate names one account, in the way that `what` says. */
function decideFor(account: Jid | undefined, what: string, { domain, authzid }: Question): Decision {
  if (account === undefined) return failure('not-authorized', `the ${what} is not an account at ${domain}`)
  if (authzid === undefined) return { kind: 'success', account }
  return authorizedAs(authzid, domain)?.bare().equals(account)
    ? { kind: 'success', account }
    : failure('invalid-authzid', `the authzid is not the ${what} of the certificate`)
}

/**
 * The only one of its kind.
 * RFC 6120 §13.7.2.2: no other name ever stands in for addresses that are there and do not fit.
 */
function onlyName({ xmppAddrs }: CertificateNames, names: readonly string[]): string | undefined {
  return xmppAddrs.length === 0 && names.length === 1 ? names[0] : undefined
}

/** A name for people or machines, in a subject, that may be the username. */
function decideByName(name: string | undefined, what: string, question: Question): Decision | undefined {
  if (name === undefined) return undefined
  const { names, domain, policy } = question
  if (isHostOf(name, [...names.dnsNames, domain, ...(policy.hosts ?? [])])) {
    return failure('not-authorized', `the ${what} is that of a server, not a username`)
  }
  return decideFor(accountOfName(name, domain, policy.commonName), what, question)
}

const fromCommonName: Source = (question) => {
  const { names } = question
  return decideByName(onlyName(names, names.commonNames), 'Common Name', question)
}

const fromUid: Source = (question) => {
  const { names } = question
  return decideByName(onlyName(names, names.uids), 'UID', question)
}

/** Whether an e-mail address is one at this domain, whatever stands before the last "@" (RFC 5321 §4.1.2). */
function isMailAt(domain: string, email: string): boolean {
  const jid = tryParseJid(email.slice(email.lastIndexOf('@') + 1))
  return jid?.local === undefined && jid?.resource === undefined && jid?.domain === domain
}

const fromEmail: Source = (question) => {
  const { names, domain } = question
  const here = names.emails.filter((email) => email.includes('@') && isMailAt(domain, email))
  const email = onlyName(names, here)
  // A slash would turn the rest into a resource; in an e-mail address it is allowed (RFC 5322 §3.2.3).
  if (email === undefined) return undefined
  return decideFor(email.includes('/') ? undefined : accountAt(domain, email), 'e-mail address', question)
}

/** The certificate opens every account: whoever configures this source trusts all its holders with all of them. */
const fromAuthId: Source = ({ domain, authzid }) => {
  if (authzid === undefined)
    return failure('not-authorized', 'no authzid, and auth_id takes the name from nowhere else')
  const account = authorizedAs(authzid, domain)?.bare()
  return account
    ? { kind: 'success', account }
    : failure('invalid-authzid', `the authzid is not an account at ${domain}`)
}

const SOURCES: Readonly<Record<ExternalSource, Source>> = {
  xmpp_addr: fromXmppAddr,
  common_name: fromCommonName,
  email: fromEmail,
  uid: fromUid,
  auth_id: fromAuthId,
}

/** Who a certificate may log in as; the rules are the table in the manual, "Who may log in as whom". */
export function decideExternal(question: Question): Decision {
  for (const source of question.policy.sources) {
    const decision = SOURCES[source](question)
    if (decision !== undefined) return decision
  }
  return failure('not-authorized', 'the certificate has no name that a configured source can use')
}

/**
 * Every account that the names of a certificate could open at a domain, bare: all of its addresses, at whatever domain,
 * or what stands in for them. With `auth_id` it is any account, and none is answered for that.
 */
export function accountCandidates(names: CertificateNames, domain: string, policy: ExternalPolicy): Jid[] {
  if (names.xmppAddrs.length > 0) {
    const addresses = policy.sources.includes('xmpp_addr') ? names.xmppAddrs.map(tryParseJid) : []
    return addresses.flatMap((address) => (address?.local === undefined ? [] : [address.bare()]))
  }
  const decision = decideExternal({ names, domain, authzid: undefined, policy })
  return decision.kind === 'success' ? [decision.account.bare()] : []
}

/**
 * SASL EXTERNAL (RFC 4422 appendix A, XEP-0178 §2) for one connection with an acceptable certificate.
 * @param refusal says, for the log, why the certificate is not acceptable any more, or not for the account that has been
 *   decided; asked at every decision, because between offer, `<auth/>` and `<response/>` it may expire or be revoked
 * @param credentialOf what the client has logged in with, to an account that has been decided
 */
export function externalMechanism(
  names: CertificateNames,
  domain: string,
  policy: ExternalPolicy,
  refusal: (account: Jid | undefined) => string | undefined,
  credentialOf: (account: Jid) => Credential = () => ({ mechanism: 'EXTERNAL' }),
): SaslMechanism {
  const decide = (data: Uint8Array): Decision => {
    const authzid = decodeUtf8(data)
    if (authzid === undefined) return failure('invalid-authzid', 'the authzid is not UTF-8')
    return decideExternal({ names, domain, authzid: authzid === '' ? undefined : authzid, policy })
  }
  const respond = (data: Uint8Array): SaslOutcome => {
    const decision = decide(data)
    const reason = refusal(decision.kind === 'success' ? decision.account : undefined)
    if (reason !== undefined) return failure('not-authorized', reason)
    return decision.kind === 'failure' ? decision : { ...decision, credential: credentialOf(decision.account) }
  }
  return {
    name: 'EXTERNAL',
    start: (initial) => {
      if (initial !== undefined) return respond(initial)
      // RFC 4422 §5: without an initial response the server asks for it with an empty challenge.
      const reason = refusal(undefined)
      if (reason !== undefined) return failure('not-authorized', reason)
      return { kind: 'challenge', data: new Uint8Array(), exchange: { respond } }
    },
  }
}
