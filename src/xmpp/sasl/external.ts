import { type Jid, tryParseJid } from '../jid.ts'
import type { SaslFailure, SaslMechanism, SaslOutcome, SaslSuccess } from './mechanism.ts'

/** Where the name of the account may come from, in the operator's order; the first that applies decides. */
export const EXTERNAL_SOURCES = ['xmpp_addr', 'common_name'] as const

export type ExternalSource = (typeof EXTERNAL_SOURCES)[number]

/** The names in a certificate that has passed every check. */
export interface CertificateNames {
  /** Every id-on-xmppAddr, as written (RFC 6120 §13.7.1.4). */
  readonly xmppAddrs: readonly string[]
  /** Every Common Name of the subject, as written. */
  readonly commonNames: readonly string[]
}

export interface ExternalPolicy {
  readonly sources: readonly ExternalSource[]
  /** Put round a Common Name to make the localpart. */
  readonly commonName: { readonly prefix: string; readonly suffix: string }
}

interface Question {
  readonly names: CertificateNames
  /** The domain of this stream. */
  readonly domain: string
  /** What the client asks to act as; `undefined` leaves it to the certificate (RFC 4422 §3.4.1). */
  readonly authzid: string | undefined
  readonly policy: ExternalPolicy
}

type Decision = SaslSuccess | SaslFailure

/** Answers `undefined` when the source does not apply to this certificate. */
type Source = (question: Question) => Decision | undefined

function failure(condition: SaslFailure['condition'], reason: string): SaslFailure {
  return { kind: 'failure', condition, reason }
}

/** An address that names an account at the stream's domain, normalised; anything else is undefined. */
function accountAt(domain: string, text: string): Jid | undefined {
  const jid = tryParseJid(text)
  return jid?.local !== undefined && jid.domain === domain ? jid : undefined
}

/**
 * The account that the client asks for, with the resource if it named one. Some clients send the localpart alone
 * (sendxmpp); it names an account of this stream's domain.
 */
function requestedAccount(authzid: string, domain: string): Jid | undefined {
  return accountAt(domain, authzid.includes('@') ? authzid : `${authzid}@${domain}`)
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
    const match = matching(requestedAccount(authzid, domain), addresses)
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

/** The account that a Common Name stands for: a localpart, or a bare JID at this domain. */
function accountOfCommonName(commonName: string, domain: string, policy: ExternalPolicy): Jid | undefined {
  // A slash would turn the rest into a resource: no username has one.
  if (commonName === '' || commonName.includes('/')) return undefined
  const { prefix, suffix } = policy.commonName
  const at = commonName.lastIndexOf('@')
  if (at < 0) return accountAt(domain, `${prefix}${commonName}${suffix}@${domain}`)
  // The affixes hold for a JID too, or a CN of admin@domain would step over a prefix that keeps certificates apart.
  return accountAt(domain, `${prefix}${commonName.slice(0, at)}${suffix}${commonName.slice(at)}`)
}

const fromCommonName: Source = ({ names, domain, authzid, policy }) => {
  // RFC 6120 §13.7.2.2: a Common Name never stands in for addresses that are there and do not fit.
  const [commonName, ...others] = names.commonNames
  if (names.xmppAddrs.length > 0 || commonName === undefined || others.length > 0) return undefined
  const account = accountOfCommonName(commonName, domain, policy)
  if (account === undefined) return failure('not-authorized', `the Common Name is not an account at ${domain}`)
  if (authzid === undefined) return { kind: 'success', account }
  return requestedAccount(authzid, domain)?.bare().equals(account)
    ? { kind: 'success', account }
    : failure('invalid-authzid', 'the authzid is not the Common Name of the certificate')
}

const SOURCES: Readonly<Record<ExternalSource, Source>> = { xmpp_addr: fromXmppAddr, common_name: fromCommonName }

/** Who a certificate may log in as; the rules are the table in the manual, "Who may log in as whom". */
export function decideExternal(question: Question): Decision {
  for (const source of question.policy.sources) {
    const decision = SOURCES[source](question)
    if (decision !== undefined) return decision
  }
  return failure('not-authorized', 'the certificate has no name that a configured source can use')
}

/**
 * SASL EXTERNAL (RFC 4422 appendix A, XEP-0178 §2) for one connection with an acceptable certificate.
 * @param refusal says, for the log, why the certificate is not acceptable any more; asked at every decision, because
 *   between offer, `<auth/>` and `<response/>` a certificate may expire or be revoked
 * @param accepted told when the certificate has been accepted for an account
 */
export function externalMechanism(
  names: CertificateNames,
  domain: string,
  policy: ExternalPolicy,
  refusal: () => string | undefined,
  accepted: () => void = () => undefined,
): SaslMechanism {
  const ifAcceptable = (outcome: () => SaslOutcome): SaslOutcome => {
    const reason = refusal()
    return reason === undefined ? outcome() : failure('not-authorized', reason)
  }
  const decide = (data: Uint8Array): SaslOutcome => {
    const authzid = decodeUtf8(data)
    if (authzid === undefined) return failure('invalid-authzid', 'the authzid is not UTF-8')
    return decideExternal({ names, domain, authzid: authzid === '' ? undefined : authzid, policy })
  }
  const respond = (data: Uint8Array) => {
    const outcome = ifAcceptable(() => decide(data))
    if (outcome.kind === 'success') accepted()
    return outcome
  }
  return {
    name: 'EXTERNAL',
    start: (initial) => {
      if (initial !== undefined) return respond(initial)
      // RFC 4422 §5: without an initial response the server asks for it with an empty challenge.
      return ifAcceptable(() => ({
        kind: 'challenge',
        data: new Uint8Array(),
        exchange: { respond },
      }))
    },
  }
}

function decodeUtf8(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    return undefined
  }
}
