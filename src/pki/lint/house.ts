import { tryParseJid } from '../../xmpp/address/jid.ts'
import { OID } from '../der/oids.ts'
import { keyLabel } from '../keys/key-facts.ts'
import { ANY, END_ENTITY, firstBad, type LintSubject, type Rule, when, XMPP_ENTITY } from './rule.ts'

const DAY = 86_400_000

/** Apple's systems refuse server certificates that last longer, private CAs included. */
const MAX_SERVER_DAYS = 825

const STRONG_CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

function keyProblem({ key, keyFault }: LintSubject): string | undefined {
  if (key === undefined) return 'OpenSSL cannot read the key'
  const label = keyLabel(key)
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength < 2048) return `${label}: at least 2048 bits are needed`
      return when(publicExponent < 65_537n, `an RSA key with the exponent ${publicExponent} invites forgery`)
    case 'ec':
      if (!STRONG_CURVES.has(namedCurve)) return `${label}: TLS stacks take P-256, P-384 and P-521`
      // With explicit parameters OpenSSL names the curve as well, and no handshake takes it.
      return keyFault
    case 'ed25519':
      return undefined
    default:
      return `${label}: few TLS stacks take such keys`
  }
}

function purposeProblem({ facts }: LintSubject, purpose: 'clientAuth' | 'serverAuth'): string | undefined {
  const stated = facts.extendedKeyUsage
  if (stated === undefined) return `there is no extended key usage: it must state ${purpose}`
  return when(!stated.includes(OID[purpose]), `the extended key usage lacks ${purpose}`)
}

/** Whether the CN leads a server that looks at nothing else to the account of the xmppAddr. */
function contradictsJid(commonName: string, addresses: readonly string[]): boolean {
  const accounts = addresses.map(tryParseJid).filter((jid) => jid !== undefined)
  return (
    accounts.length > 0 && !accounts.some((jid) => commonName === jid.local || commonName === jid.bare().toString())
  )
}

/** What experience demands; each of these has cost somebody an afternoon. */
export const HOUSE_RULES: readonly Rule[] = [
  {
    id: 'client-purpose',
    citation: 'house, RFC 5280 §4.2.1.12',
    severity: 'error',
    kinds: ['client'],
    check: (subject) => purposeProblem(subject, 'clientAuth'),
  },
  {
    id: 'server-purpose',
    citation: 'house, RFC 5280 §4.2.1.12',
    severity: 'error',
    kinds: ['server'],
    check: (subject) => purposeProblem(subject, 'serverAuth'),
  },
  {
    id: 'digital-signature',
    citation: 'RFC 8446 §4.4.2.2',
    severity: 'error',
    kinds: XMPP_ENTITY,
    check: ({ facts }) =>
      when(facts.keyUsage?.includes('digitalSignature') === false, 'the key usage lacks digitalSignature'),
  },
  {
    id: 'one-common-name',
    citation: 'house, RFC 6125 §2.3.1',
    severity: 'error',
    kinds: XMPP_ENTITY,
    check: ({ facts }) =>
      when(facts.commonNames.length > 1, `${facts.commonNames.length} CNs: servers disagree about which one counts`),
  },
  {
    id: 'common-name-fits-jid',
    citation: 'house',
    severity: 'warning',
    kinds: ['client'],
    check: ({ facts }) =>
      firstBad(
        facts.commonNames,
        (name) => contradictsJid(name, facts.xmppAddrs),
        (shown) => `the CN ${shown} is not the username of the xmppAddr`,
      ),
  },
  {
    id: 'one-xmpp-addr',
    citation: 'house, RFC 6120 §6.3.8',
    severity: 'warning',
    kinds: ['client'],
    check: ({ facts }) =>
      when(facts.xmppAddrs.length > 1, 'several xmppAddr: clients must then name the account they want at login'),
  },
  {
    id: 'xmpp-addr-bare',
    citation: 'house',
    severity: 'warning',
    kinds: ['client'],
    check: ({ facts }) =>
      firstBad(
        facts.xmppAddrs,
        (address) => tryParseJid(address)?.resource !== undefined,
        (shown) => `the xmppAddr ${shown} has a resource, which says nothing about the account`,
      ),
  },
  {
    id: 'server-lifetime',
    citation: 'house, Apple HT210176',
    severity: 'warning',
    kinds: ['server'],
    check: ({ raw }) => {
      const days = Math.round((raw.notAfter.getTime() - raw.notBefore.getTime()) / DAY)
      return when(days > MAX_SERVER_DAYS, `valid for ${days} days: Apple's systems refuse more than ${MAX_SERVER_DAYS}`)
    },
  },
  {
    id: 'strong-key',
    citation: 'house, NIST SP 800-131A',
    severity: 'error',
    kinds: ANY,
    check: keyProblem,
  },
  {
    id: 'serial-unpredictable',
    citation: 'house, CA/Browser Forum BR §7.1',
    severity: 'warning',
    kinds: END_ENTITY,
    check: ({ raw }) =>
      when(raw.serial.content.length < 8, 'the serial number has less than 64 bits: it can be guessed'),
  },
]
