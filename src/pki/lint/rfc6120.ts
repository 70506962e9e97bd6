import { tryParseJid } from '../../xmpp/address/jid.ts'
import { ANY, END_ENTITY, firstBad, type LintSubject, type Rule, when, XMPP_ENTITY } from './rule.ts'

/** RFC 4985 §2: `_service.name`. */
const SRV_NAME = /^_[a-z0-9-]+\.[^.].*$/i

/** A root is trusted by itself, whatever it has signed itself with (RFC 5280 §6.1). */
function signatureProblem({ kind, selfIssued, signature: { name, fault } }: LintSubject): string | undefined {
  if (fault === undefined || (kind === 'ca' && selfIssued)) return undefined
  return fault.check === 'weak-signature' ? `${name} can be forged; SHA-256 is wanted` : `it is ${fault.reason}`
}

/** What RFC 6120 §13.7.1 demands of certificates for XMPP. */
export const RFC6120_RULES: readonly Rule[] = [
  {
    id: 'end-entity-not-ca',
    citation: 'RFC 6120 §13.7.1.1',
    severity: 'error',
    kinds: END_ENTITY,
    check: ({ facts }) => when(facts.isCa, 'CA:TRUE: whoever holds its key could issue certificates for everybody'),
  },
  {
    id: 'subject-present',
    citation: 'RFC 6120 §13.7.1.1',
    // A MUST, but a localpart has up to 1023 octets and a CN 64 characters: such users have no other choice.
    severity: 'notice',
    kinds: XMPP_ENTITY,
    check: ({ raw }) => when(raw.subject.content.length === 0, 'the subject is empty'),
  },
  {
    id: 'signature-hash',
    citation: 'RFC 6120 §13.7.1.1',
    severity: 'error',
    kinds: ANY,
    check: signatureProblem,
  },
  {
    id: 'server-names-domain',
    citation: 'RFC 6120 §13.7.1.2.1',
    severity: 'error',
    kinds: ['server'],
    check: ({ facts: { dnsNames, srvNames, xmppAddrs } }) =>
      when(dnsNames.length + srvNames.length + xmppAddrs.length === 0, 'no subjectAltName names the XMPP domain'),
  },
  {
    id: 'server-dns-name',
    citation: 'RFC 6120 §13.7.1.2.1',
    severity: 'warning',
    kinds: ['server'],
    check: ({ facts }) =>
      when(facts.dnsNames.length === 0, 'there is no dNSName, which is all that most clients look at'),
  },
  {
    id: 'server-srv-name',
    citation: 'RFC 6120 §13.7.1.2.1',
    severity: 'notice',
    kinds: ['server'],
    check: ({ facts }) => when(facts.srvNames.length === 0, 'no SRVName limits it to XMPP'),
  },
  {
    id: 'srv-name-form',
    citation: 'RFC 4985 §2',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) =>
      firstBad(
        facts.srvNames,
        (name) => !SRV_NAME.test(name),
        (shown) => `the SRVName ${shown} is not _service.domain`,
      ),
  },
  {
    id: 'client-xmpp-addr',
    citation: 'RFC 6120 §13.7.1.3',
    severity: 'warning',
    kinds: ['client'],
    check: ({ facts }) =>
      when(facts.xmppAddrs.length === 0, 'no id-on-xmppAddr: servers must guess the JID from other names'),
  },
  {
    id: 'xmpp-addr-jid',
    citation: 'RFC 6120 §13.7.1.4',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) =>
      firstBad(
        facts.xmppAddrs,
        (address) => tryParseJid(address) === undefined,
        (shown) => `the xmppAddr ${shown} is not a JID`,
      ),
  },
  {
    id: 'client-xmpp-addr-user',
    citation: 'RFC 6120 §13.7.1.3',
    severity: 'error',
    kinds: ['client'],
    check: ({ facts }) =>
      firstBad(
        facts.xmppAddrs,
        (address) => tryParseJid(address) !== undefined && tryParseJid(address)?.local === undefined,
        (shown) => `the xmppAddr ${shown} is not the JID of a user`,
      ),
  },
]
