import { X509Certificate } from 'node:crypto'
import { DEFAULT_MIN_RSA_BITS } from '../pki/keys/key-strength.ts'
import { decodePrivateKey } from '../pki/keys/keys.ts'
import type { CertificateFacts } from '../pki/x509/certificate.ts'
import { TrustAnchors } from '../trust/anchors.ts'
import { judge, judgeAlone } from '../trust/judgement.ts'
import { isRefusal, REFUSALS, type Refusal, type RefusalName } from '../trust/refusal.ts'
import type { RevocationBook } from '../trust/revocation.ts'
import { SignedCertificate } from '../trust/signed-certificate.ts'
import { tryParseJid } from '../xmpp/address/jid.ts'
import { about, dayOf, type Finding } from './finding.ts'

/** The certificate that is to log in. */
export interface ClientCredentials {
  /** DER of the certificate, then of intermediate CAs. */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]]
  /** PEM, not encrypted. */
  readonly key: string
  /** Where they are from, for people. */
  readonly source: string
}

/** The CA that should have issued it, where there is one to compare with. */
export interface HomeCa {
  /** PEM */
  readonly anchors: readonly string[]
  /** For people. */
  readonly source: string
  /** What it has revoked; undefined where that is not known. */
  readonly book: RevocationBook | undefined
}

const CHECK = 'client certificate'

const RULES = { purpose: 'clientAuth', minRsaBits: DEFAULT_MIN_RSA_BITS } as const

const FOREIGN: ReadonlySet<RefusalName> = new Set(['unknown-ca', 'bad-signature', 'not-a-ca'])

/** What a server may object to in the certificate itself, whatever server that is. */
export function examineClientCertificate(
  credentials: ClientCredentials,
  { domain, home, now }: { readonly domain: string; readonly home: HomeCa | undefined; readonly now: Date },
): Finding[] {
  const note = about(CHECK)
  const certificate = SignedCertificate.open(credentials.chain[0])
  if (isRefusal(certificate)) return [note('failed', `${credentials.source} is ${certificate.reason}`)]
  const own = judgeAlone(certificate, RULES, now)
  const findings = own === undefined ? [] : [refused('failed', `${credentials.source}: ${own.reason}`, own)]
  if (!fits(credentials))
    findings.push(note('failed', `the key of ${credentials.source} does not belong to the certificate`))
  if (home !== undefined && own === undefined) findings.push(...homeFindings(certificate, credentials, home, now))
  const { facts } = certificate
  const ends = `${facts.subject === '' ? '(no subject)' : facts.subject}, serial ${facts.serial}`
  const sound =
    findings.length > 0 ? [] : [note('ok', `${ends}, until ${dayOf(facts.notAfter)}: nothing wrong with it`)]
  return [...sound, ...findings, nameFinding(facts, domain)]
}

function refused(state: 'failed' | 'warning', text: string, { check }: Refusal): Finding {
  return about(CHECK)(state, `${text} (${check})`, REFUSALS[check].remedy)
}

function fits({ chain: [leaf], key, source }: ClientCredentials): boolean {
  return new X509Certificate(leaf).checkPrivateKey(decodePrivateKey(key, { source }).privateKey)
}

/** What `serve` would say, were it the one that is visited. */
function homeFindings(
  certificate: SignedCertificate,
  { chain: [, ...above] }: ClientCredentials,
  { anchors, source, book }: HomeCa,
  now: Date,
): Finding[] {
  const rules = { ...RULES, anchors: new TrustAnchors(anchors, source), book }
  const verdict = judge(certificate, rules, { now, sent: () => above })
  if (!isRefusal(verdict)) return []
  // Another server may know the CA that this one does not.
  return FOREIGN.has(verdict.check)
    ? [refused('warning', `not issued by ${source}: ${verdict.reason}`, verdict)]
    : [refused('failed', verdict.reason, verdict)]
}

/** Whom the certificate names, by the rules that servers share (XEP-0178 §2). */
function nameFinding({ xmppAddrs, commonNames }: CertificateFacts, domain: string): Finding {
  const note = about('account')
  const issue = 'issue one that names the account: xmppki client issue user@domain'
  const here = xmppAddrs.filter((address) => tryParseJid(address)?.domain === domain)
  const [address] = here
  if (xmppAddrs.length === 0) {
    const names = commonNames.length === 0 ? 'nobody' : `only by its Common Name ${commonNames.join(', ')}`
    const text = `the certificate has no id-on-xmppAddr and names ${names}: many servers do not take that`
    return note('warning', text, issue)
  }
  if (address === undefined) {
    return note('failed', `the certificate names ${xmppAddrs.join(', ')}, which is not at ${domain}`, issue)
  }
  if (xmppAddrs.length > 1) {
    const text = `the certificate names ${xmppAddrs.join(', ')}: of several, the client has to say which`
    return note('warning', text, 'configure the address in the client as the authorization identity')
  }
  return note('ok', `id-on-xmppAddr ${address}`)
}
