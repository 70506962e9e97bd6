import { X509Certificate } from 'node:crypto'
import { type CertificateFacts, readCertificate } from '../pki/certificate.ts'
import { decodePrivateKey } from '../pki/keys.ts'
import type { IssuedRecord } from '../store/ledger.ts'
import { checkForm, checkPurpose, checkValidity, TrustAnchors } from '../trust/chain.ts'
import { tryParseJid } from '../xmpp/jid.ts'
import { about, dayOf, type Finding } from './finding.ts'

/** The certificate that is to log in. */
export interface ClientPapers {
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
  /** What in the ledger has a serial number, of whichever CA; undefined without one. */
  readonly listBySerial: ((serial: string) => readonly IssuedRecord[]) | undefined
}

const CHECK = 'client certificate'

/** What a server may object to in the certificate itself, whatever server that is. */
export function examineClientCertificate(
  papers: ClientPapers,
  { domain, home, now }: { readonly domain: string; readonly home: HomeCa | undefined; readonly now: Date },
): Finding[] {
  const note = about(CHECK)
  const [leaf, ...above] = papers.chain
  const facts = readCertificate(leaf, papers.source)
  const refusals = [checkForm(facts), checkValidity(facts, now), checkPurpose(facts, 'clientAuth')]
  const findings = refusals.flatMap((refusal) => {
    return refusal === undefined
      ? []
      : [note('failed', `${papers.source}: ${refusal.reason}`, renewHint(refusal.check))]
  })
  if (!fits(papers)) findings.push(note('failed', `the key of ${papers.source} does not belong to the certificate`))
  if (home !== undefined) findings.push(...homeFindings(facts, leaf, above, home, now))
  const ends = `${facts.subject === '' ? '(no subject)' : facts.subject}, serial ${facts.serial}`
  const sound =
    findings.length > 0 ? [] : [note('ok', `${ends}, until ${dayOf(facts.notAfter)}: nothing wrong with it`)]
  return [...sound, ...findings, nameFinding(facts, domain)]
}

function renewHint(check: string): string | undefined {
  if (check === 'validity') return 'issue a new one: xmppki client renew NAME; and compare the clocks of both machines'
  return check === 'extended-key-usage' || check === 'key-usage'
    ? 'issue one for clients: xmppki client issue NAME'
    : undefined
}

function fits({ chain: [leaf], key, source }: ClientPapers): boolean {
  return new X509Certificate(leaf).checkPrivateKey(decodePrivateKey(key, { source }).privateKey)
}

function homeFindings(
  facts: CertificateFacts,
  leaf: Uint8Array,
  above: readonly Uint8Array[],
  { anchors, source, listBySerial }: HomeCa,
  now: Date,
): Finding[] {
  const note = about(CHECK)
  const path = new TrustAnchors(anchors, source).check(leaf, now, above)
  const foreign = path && note('warning', `not issued by ${source}: ${path.reason}`)
  const ours = listBySerial?.(facts.serial).find(({ fingerprint }) => fingerprint === facts.fingerprint)
  const revoked =
    ours?.revokedAt === undefined
      ? undefined
      : note('failed', `revoked on ${new Date(ours.revokedAt).toISOString()}`, 'issue a new one: xmppki client issue')
  return [foreign, revoked].filter((finding) => finding !== undefined)
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
