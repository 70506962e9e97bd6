import { readSingle, TAG } from '../pki/der/der.ts'
import { DEFAULT_MIN_RSA_BITS } from '../pki/keys/key-strength.ts'
import { formatName, readName } from '../pki/x509/distinguished-name.ts'
import type { ClearFacts, TlsFacts, Visit } from '../probe/visit.ts'
import { TrustAnchors } from '../trust/anchors.ts'
import { judgeAlone, judgeOrigin } from '../trust/judgement.ts'
import { isRefusal } from '../trust/refusal.ts'
import { SignedCertificate } from '../trust/signed-certificate.ts'
import type { HomeCa } from './client-certificate.ts'
import { about, dayOf, daysUntil, type Finding } from './finding.ts'
import { nameFor, namesIn } from './server-names.ts'

const WARN_DAYS = 14

interface Circumstances {
  readonly mode: 'starttls' | 'tls'
  readonly domain: string
  readonly home: HomeCa | undefined
  readonly now: Date
}

/** What a client without a certificate sees of a server up to and including TLS. */
export function examineServerSide({ clear, tls }: Visit, circumstances: Circumstances): Finding[] {
  return [
    ...(clear === undefined ? [] : clearFindings(clear)),
    ...(tls === undefined ? [] : [tlsFinding(tls, circumstances), ...certificateFindings(tls, circumstances)]),
  ]
}

function clearFindings({ startTls, mechanisms }: ClearFacts): Finding[] {
  const note = about('STARTTLS')
  const early =
    mechanisms.length === 0
      ? []
      : [
          note(
            'warning',
            `${mechanisms.join(', ')} offered before TLS: what is sent can be read and changed on the way`,
          ),
        ]
  if (startTls === 'required') return [note('ok', 'required'), ...early]
  if (startTls === 'offered')
    return [note('warning', 'offered, but not required', 'require it at the server'), ...early]
  return [note('failed', 'not offered: without TLS there are no certificates', 'turn it on at the server'), ...early]
}

function tlsFinding({ protocol, cipher, alpn }: TlsFacts, { mode }: Circumstances): Finding {
  const note = about('TLS')
  if (mode === 'starttls') return note('ok', `${protocol}, ${cipher}`)
  // XEP-0368 §3: servers should, and most do not.
  const application = alpn === undefined ? 'no application protocol (ALPN)' : `application protocol ${alpn}`
  return note('ok', `${protocol}, ${cipher}, ${application}`)
}

function certificateFindings({ chain, publicDistrust }: TlsFacts, { domain, home, now }: Circumstances): Finding[] {
  const note = about('server certificate')
  const [leaf, ...above] = chain
  if (leaf === undefined) return [note('failed', 'the server presented none')]
  const certificate = SignedCertificate.open(leaf)
  if (isRefusal(certificate)) return [note('failed', `the server certificate is ${certificate.reason}`)]
  const { facts } = certificate
  const name = nameFor(facts, domain)
  const named =
    name === undefined
      ? note('failed', `it is for ${namesIn(facts)}, not for ${domain}`, 'give the server one for this domain')
      : note('ok', `for ${domain}, by ${name}`)
  const rules = { purpose: 'serverAuth', minRsaBits: DEFAULT_MIN_RSA_BITS } as const
  const refusal = judgeAlone(certificate, rules, now)
  const days = daysUntil(facts.notAfter, now)
  const state = days < WARN_DAYS ? 'warning' : 'ok'
  const sound =
    refusal === undefined
      ? note(state, `${facts.subject}, until ${dayOf(facts.notAfter)}, ${days} days`)
      : note('failed', `${facts.subject}: ${refusal.reason}`, 'renew it at the server')
  const anchors = home && new TrustAnchors(home.anchors, home.source)
  const path = anchors && judgeOrigin(certificate, { ...rules, anchors }, { now, sent: () => above })
  const distrust = isRefusal(path) ? path.reason : undefined
  return [named, sound, trustFinding({ issuer: facts.issuer, publicDistrust, path: distrust, home })]
}

function trustFinding(trust: {
  readonly issuer: string
  readonly publicDistrust: string | undefined
  readonly path: string | undefined
  readonly home: HomeCa | undefined
}): Finding {
  const note = about('server chain')
  const { issuer, publicDistrust, path, home } = trust
  if (home !== undefined && path === undefined) return note('ok', `leads to ${home.source}`)
  if (publicDistrust === undefined) return note('ok', 'leads to a public CA')
  const ours = home === undefined ? '' : ` and not to ${home.source} (${path})`
  const text = `issued by ${issuer}: leads to no public CA (${publicDistrust})${ours}`
  return note('warning', text, 'give clients its CA, or tell doctor with --ca FILE which one it should be')
}

/** Whether the server wants a certificate at all, and from whom. */
export function examineRequest(tls: TlsFacts, acceptable: readonly Uint8Array[] | undefined): Finding {
  const note = about('certificate request')
  if (!tls.asksForCertificate) {
    const text = 'the server does not ask for a client certificate in the handshake, so nobody can use one'
    return note('failed', text, requestHint())
  }
  if (acceptable === undefined) return note('ok', 'the server asks for a client certificate')
  if (acceptable.length === 0) return note('ok', 'the server asks for a client certificate, from any CA')
  const names = acceptable.slice(0, 4).map(caName).join('; ')
  const more = acceptable.length > 4 ? ` and ${acceptable.length - 4} more` : ''
  return note('ok', `the server asks for a client certificate from: ${names}${more}`)
}

/** For people; whatever is not a name is shown as octets. */
export function caName(der: Uint8Array): string {
  try {
    return formatName(readName(readSingle(der, TAG.sequence)))
  } catch {
    return Buffer.from(der).toString('hex')
  }
}

function requestHint(): string {
  return [
    'xmppki: verify_mode = "peer"',
    'MongooseIM: tls.verify_mode = "peer" and tls.cacertfile in the listener',
    'ejabberd: tls_verify: true in the listener',
    'Prosody: c2s_ssl = { verify = { "peer", "client_once" }; cafile = … }',
  ].join('; ')
}
