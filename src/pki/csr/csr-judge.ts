import { XmppkiError } from '../../errors.ts'
import { type Jid, JidError, parseJid, tryParseJid } from '../../xmpp/address/jid.ts'
import { readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { type KeyAlgorithm, type KeyType, keyTypeOf } from '../keys/algorithms.ts'
import { keyFault } from '../keys/key-strength.ts'
import { publicKeyInfo } from '../keys/public-key-info.ts'
import type { CertificateRequest } from './csr-reader.ts'

/** Why a request is refused; stands in brackets in the message, so that scripts can tell. */
type Refusal =
  | 'proof-of-possession'
  | 'signature-algorithm'
  | 'key-type'
  | 'ca'
  | 'purpose'
  | 'malformed-name'
  | 'several-names'
  | 'no-name'
  | 'other-name'
  | 'other-domain'
  | 'unconfirmed-name'

/** What the CA is ready to sign. */
export interface SigningPolicy {
  /** Domain of names that come without one, and the only one that `acceptRequestedName` reaches. */
  readonly domain: string
  /** The account that the operator says the request is for, a bare JID; undefined: the request says it. */
  readonly name: Jid | undefined
  /** Whether the word of the request is enough where `name` is undefined. */
  readonly acceptRequestedName: boolean
  readonly keyTypes: readonly KeyType[]
}

/** A request that may be signed. */
export interface ApprovedRequest {
  /** A bare JID with a localpart. */
  readonly jid: Jid
  readonly algorithm: KeyAlgorithm
  /** For people: what was asked for and will not stand in the certificate. */
  readonly notCopied: readonly string[]
}

const NAME_REFUSALS: ReadonlySet<Refusal> = new Set([
  'malformed-name',
  'several-names',
  'no-name',
  'other-name',
  'other-domain',
  'unconfirmed-name',
])

function refused(
  source: string,
  refusal: Refusal,
  why: string,
  details: { readonly hint?: string; readonly spec?: string } = {},
): XmppkiError {
  const code = NAME_REFUSALS.has(refusal) ? 'BAD_NAME' : 'BAD_INPUT'
  return new XmppkiError(code, `${source} is refused (${refusal}): ${why}`, details)
}

function checkPossession({ signature }: CertificateRequest, source: string): void {
  if (signature === 'valid') return
  if (signature === 'invalid') {
    throw refused(source, 'proof-of-possession', 'its signature was not made with the private key of its public key', {
      hint: 'have the request made again by whoever holds the key',
      spec: 'RFC 2986 §4.2',
    })
  }
  throw refused(source, 'signature-algorithm', 'it is signed with an algorithm that is weak or unknown here', {
    hint: 'have it signed with SHA-256, for example: openssl req -new -sha256 …',
  })
}

function checkKey(csr: CertificateRequest, allowed: readonly KeyType[], source: string): KeyAlgorithm {
  const hint = `the key must be of one of these types: ${allowed.join(', ')}`
  // OpenSSL names the curve of explicit parameters, too.
  const fault = keyFault(readSingle(publicKeyInfo(csr.publicKey), TAG.sequence))
  if (fault !== undefined) throw refused(source, 'key-type', `it has ${fault.reason}`, { hint })
  try {
    const algorithm = keyTypeOf(csr.publicKey)
    if (allowed.includes(algorithm.id)) return algorithm
    throw refused(source, 'key-type', `its key is of the type ${algorithm.id}`, { hint })
  } catch (error) {
    if (!(error instanceof XmppkiError) || error.message.startsWith(source)) throw error
    throw refused(source, 'key-type', error.message, { hint })
  }
}

/** A client certificate can give neither of these; whoever asks sent the wrong request, or hopes. */
function checkPurpose(csr: CertificateRequest, source: string): void {
  if (csr.asksForCa) {
    throw refused(source, 'ca', 'it asks for the certificate of a certificate authority', { spec: 'RFC 5280 §4.2.1.9' })
  }
  const purposes = csr.extendedKeyUsage
  if (purposes === undefined || purposes.some((id) => id === OID.clientAuth || id === OID.anyExtendedKeyUsage)) return
  throw refused(source, 'purpose', 'it asks for key purposes without that of a TLS client', {
    hint: 'for a server there is: xmppki server issue',
    spec: 'RFC 5280 §4.2.1.12',
  })
}

/** The address of an account, or why it is none. @throws JidError */
function parseAccount(text: string): Jid {
  const jid = parseJid(text)
  if (jid.local === undefined || !jid.isBare) throw new JidError('not the bare JID of a user')
  return jid
}

function parseAddresses(csr: CertificateRequest, source: string): Jid[] {
  const [malformed] = csr.names.malformed
  if (malformed !== undefined) throw refused(source, 'malformed-name', malformed)
  return csr.names.xmppAddrs.map((address) => {
    try {
      return parseAccount(address)
    } catch (error) {
      if (!(error instanceof JidError)) throw error
      throw refused(source, 'malformed-name', `its xmppAddr ${JSON.stringify(address)}: ${error.reason}`, {
        spec: 'RFC 6120 §13.7.1.4',
      })
    }
  })
}

/** The account that a CN names, undefined where it is a text such as `Alice Smith`. */
function accountOfCommonName(text: string, domain: string): Jid | undefined {
  // A `/` would leave the rest of a localpart as a resource.
  const jid = tryParseJid(text.includes('@') ? text : `${text}@${domain}`)
  return jid?.local !== undefined && jid.isBare ? jid : undefined
}

interface Claims {
  /** The one account that the request asks for; undefined where it asks for none. */
  readonly jid: Jid | undefined
  /** CNs that name no account. */
  readonly labels: readonly string[]
}

/** Who the request says it is for: xmppAddr and CN must not name two accounts. */
function readClaims(csr: CertificateRequest, policy: SigningPolicy, source: string): Claims {
  const addresses = parseAddresses(csr, source)
  const domain = addresses[0]?.domain ?? policy.name?.domain ?? policy.domain
  const labels = csr.commonNames.filter((name) => accountOfCommonName(name, domain) === undefined)
  const named = csr.commonNames.flatMap((name) => accountOfCommonName(name, domain) ?? [])
  const claims = [...new Map([...addresses, ...named].map((jid) => [jid.toString(), jid])).values()]
  if (claims.length > 1) {
    throw refused(source, 'several-names', `it asks for several accounts: ${claims.slice(0, 5).join(', ')}`, {
      hint: 'a certificate is for one account; have one request made for each',
    })
  }
  return { jid: claims[0], labels }
}

function decideName(claim: Jid | undefined, policy: SigningPolicy, source: string): Jid {
  const { name } = policy
  if (name !== undefined) {
    if (claim === undefined || claim.equals(name)) return name
    throw refused(source, 'other-name', `it asks for ${claim}, not for ${name}`, {
      hint: `sign it for whom it was made: --name '${claim}'`,
    })
  }
  if (claim === undefined) {
    throw refused(source, 'no-name', 'it names no account', { hint: 'say whom it is for: --name alice' })
  }
  if (!policy.acceptRequestedName) {
    throw refused(source, 'unconfirmed-name', `it asks for ${claim}, and nobody has confirmed that`, {
      hint: `if it really comes from this user: --name '${claim}', or --accept-requested-name for all files`,
    })
  }
  if (claim.domain === policy.domain) return claim
  throw refused(source, 'other-domain', `it asks for ${claim}, which is not at ${policy.domain}`, {
    hint: `if that is right: --name '${claim}', or --domain '${claim.domain}'`,
  })
}

/** Names and wishes that end here: the certificate is made from the profile alone. */
function listNotCopied(csr: CertificateRequest, labels: readonly string[], jid: Jid): string[] {
  const { names, otherAttributes } = csr
  return [
    ...labels.map((text) => `CN ${JSON.stringify(text)}`),
    ...otherAttributes,
    ...names.emails.filter((email) => email !== jid.toString()).map((email) => `mail address ${JSON.stringify(email)}`),
    ...names.dnsNames.map((host) => `host ${JSON.stringify(host)}`),
    ...names.srvNames.map((service) => `service ${JSON.stringify(service)}`),
  ]
}

/**
 * Decides whether a request may become a client certificate, and for whom: key type, proof of possession,
 * purpose, then the names against what the operator says. Nothing but the public key is taken from it.
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT or BAD_NAME; the message has the name of the refusal in brackets
 */
export function judgeCsr(csr: CertificateRequest, policy: SigningPolicy, source: string): ApprovedRequest {
  // The key first: for one that cannot be used, no better signature would help.
  const algorithm = checkKey(csr, policy.keyTypes, source)
  checkPossession(csr, source)
  checkPurpose(csr, source)
  const { jid: claim, labels } = readClaims(csr, policy, source)
  const jid = decideName(claim, policy, source)
  return { jid, algorithm, notCopied: listNotCopied(csr, labels, jid) }
}
