import { encodePem } from '../pki/der/pem.ts'
import { readCertificate } from '../pki/x509/certificate.ts'
import { readRawCertificate } from '../pki/x509/certificate-der.ts'
import { type Visit, visit, visitForAuthorities } from '../probe/visit.ts'
import { type ClientCredentials, examineClientCertificate, type HomeCa } from './client-certificate.ts'
import { about, attempt, type Finding } from './finding.ts'
import { caName, examineRequest, examineServerSide } from './server-side.ts'

export interface ConnectionRequest {
  readonly host: string
  readonly port: number
  readonly mode: 'starttls' | 'tls'
  readonly domain: string
  /** What to log in with; undefined looks from outside only. */
  readonly credentials: ClientCredentials | undefined
  /** Who should have issued the certificates of both sides. */
  readonly home: HomeCa | undefined
  /** Goes on after the login and binds a resource. */
  readonly bind: boolean
  readonly now: Date
}

interface Evidence {
  readonly request: ConnectionRequest & { readonly credentials: ClientCredentials }
  readonly without: Visit
  readonly acceptable: readonly Uint8Array[] | undefined
  readonly withCertificate: Visit
}

/**
 * Visits any XMPP server as a client, without and with a certificate, and says what it saw: above all whether EXTERNAL
 * is offered, and why not.
 */
export async function examineConnection(request: ConnectionRequest): Promise<Finding[]> {
  const { host, port, mode, domain, credentials } = request
  const target = { host, port, mode, domain }
  const without = await visit(target)
  if (!without.connected) return [about('connection')('failed', without.failure ?? 'no connection')]
  const acceptable = without.tls?.asksForCertificate === false ? undefined : await visitForAuthorities(target)
  const findings = [
    about('connection')('ok', `${host}:${port}`),
    ...(await attempt('server', () => examineServerSide(without, request))),
    ...(without.tls === undefined ? [] : [examineRequest(without.tls, acceptable)]),
    ...outsideFindings(without),
  ]
  if (credentials === undefined) return [...findings, invitation()]
  // Where there is no TLS for anybody, a certificate changes nothing.
  if (without.tls === undefined && acceptable === undefined) return findings
  const circumstances = { domain, home: request.home, now: request.now }
  const certificate = await attempt('client certificate', () => examineClientCertificate(credentials, circumstances))
  const identity = {
    key: credentials.key,
    chain: credentials.chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
  }
  const withCertificate = await visit({ ...target, identity, login: request.bind ? 'bind' : 'authenticate' })
  const evidence = { request: { ...request, credentials }, without, acceptable, withCertificate }
  return [...findings, ...certificate, ...insideFindings(evidence, certificate)]
}

function invitation(): Finding {
  const hint = 'name one with --user NAME, --p12 FILE, or --cert FILE and --key FILE'
  return about('EXTERNAL')('note', 'not looked at with a certificate', hint)
}

function offerText({ sasl, sasl2 }: NonNullable<Visit['offer']>): string {
  const list = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '))
  return `${list(sasl)}${sasl2 === undefined ? '' : `; SASL2: ${list(sasl2)}`}`
}

function outsideFindings({ offer, failure }: Visit): Finding[] {
  const note = about('without certificate')
  if (failure !== undefined) return [note('warning', failure)]
  if (offer === undefined) return []
  const text = `mechanisms: ${offerText(offer)}`
  if (!offer.sasl.includes('EXTERNAL')) return [note('ok', text)]
  const trouble = 'EXTERNAL is offered to clients without a certificate, and many of them then try nothing else'
  return [note('warning', `${text}; ${trouble}`)]
}

const LOG = 'the log of the server may say more'
const NOT_OFFERED = `${LOG}; Prosody offers EXTERNAL to clients only with mod_auth_ccert or mod_client_certs`

function insideFindings(evidence: Evidence, certificate: readonly Finding[]): Finding[] {
  const { offer, failure, login } = evidence.withCertificate
  const seen = offer === undefined ? [] : [about('with certificate')('ok', `mechanisms: ${offerText(offer)}`)]
  const external = about('EXTERNAL')
  if (offer === undefined) {
    return [external('failed', `${failure ?? 'no answer'}: ${because(evidence, certificate)}`, LOG)]
  }
  const inSasl = offer.sasl.includes('EXTERNAL')
  if (!inSasl && offer.sasl2?.includes('EXTERNAL')) {
    return [
      ...seen,
      external('ok', 'offered, in SASL2 only'),
      about('login')('note', 'not tried: only over RFC 6120 SASL'),
    ]
  }
  if (!inSasl) {
    return [...seen, external('failed', `not offered: ${because(evidence, certificate)}`, NOT_OFFERED)]
  }
  const offered = [...seen, external('ok', 'offered')]
  const note = about('login')
  if (login === undefined) return [...offered, note('failed', failure ?? 'no answer')]
  if (login.ok) {
    const jid = login.jid === undefined ? 'accepted; nothing was bound' : `logged in as ${login.jid}`
    return [...offered, note('ok', jid)]
  }
  return [
    ...offered,
    note('failed', `refused: ${login.reason}; ${refusedBecause(login.reason, evidence, certificate)}`, LOG),
  ]
}

/** What is known to be wrong with the certificate, the most likely reason of all. */
function objections(findings: readonly Finding[]): string[] {
  return findings.filter(({ state }) => state === 'failed').map(({ text }) => text)
}

/** What OpenSSL says when a chain ends at a CA that it was not given; ejabberd passes it on. */
const UNKNOWN_CA = /self.signed certificate|unable to (?:get|verify)|unknown.ca/i

function refusedBecause(reason: string, { request }: Evidence, certificate: readonly Finding[]): string {
  // RFC 6120 §6.5.9
  if (reason.startsWith('temporary-auth-failure')) {
    return 'the server cannot tell now, for instance because its database of accounts is away'
  }
  const known = objections(certificate)
  if (known.length > 0) return known.join('; ')
  if (UNKNOWN_CA.test(reason)) {
    const { issuer } = readCertificate(request.credentials.chain[0])
    return `the server does not know the CA ${issuer}, or not for client certificates`
  }
  const doubts = certificate.filter(({ state }) => state === 'warning').map(({ text }) => text)
  return doubts.length > 0
    ? doubts.join('; ')
    : 'nothing is wrong with the certificate itself; the account may not exist there, or the server maps names otherwise'
}

/** Why EXTERNAL is missing: what is certain first, then what is left. */
function because({ request, without, acceptable, withCertificate }: Evidence, certificate: readonly Finding[]): string {
  const tls = withCertificate.tls ?? without.tls
  if (tls?.asksForCertificate === false) return 'the server never asked for the certificate'
  const known = objections(certificate)
  if (known.length > 0) return known.join('; ')
  const { issuer } = readCertificate(request.credentials.chain[0])
  const wanted = acceptable !== undefined && acceptable.length > 0 ? acceptable : undefined
  if (wanted !== undefined && !isIssuedBy(request.credentials, wanted)) {
    const names = wanted.slice(0, 4).map(caName).join('; ')
    return `the certificate is from ${issuer}, and the server accepts only: ${names}`
  }
  const doubts = certificate.filter(({ state }) => state === 'warning').map(({ text }) => text)
  const rest = `the server does not know the CA ${issuer}, has the certificate as revoked, or has EXTERNAL switched off`
  return [...doubts, `nothing wrong can be seen from here, so ${rest}`].join('; ')
}

/** Whether one of the CAs of the list issued the certificate, or one of those above it. */
function isIssuedBy({ chain }: ClientCredentials, names: readonly Uint8Array[]): boolean {
  const issuers = chain.map((der) => readRawCertificate(der).issuer.raw)
  return names.some((name) => issuers.some((issuer) => Buffer.compare(issuer, name) === 0))
}
