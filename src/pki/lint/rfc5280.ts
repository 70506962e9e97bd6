import { OID } from '../der/oids.ts'
import type { RawCertificate } from '../x509/certificate-der.ts'
import { fitsCommonName } from '../x509/names.ts'
import { ANY, END_ENTITY, firstBad, type Rule, when } from './rule.ts'

/** RFC 1034 §3.5 as RFC 5280 §4.2.1.6 wants it, and a wildcard as the whole first label (RFC 6120 §13.7.1.2.1). */
const HOST = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

/** RFC 5321 §4.1.2, without quoted localparts. */
const MAILBOX = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[a-z0-9.-]+$/i

function isEmpty({ content }: { readonly content: Uint8Array }): boolean {
  return content.length === 0
}

function repeatedExtension({ extensions }: RawCertificate): string | undefined {
  return extensions.find(({ oid }, at) => extensions.findIndex((other) => other.oid === oid) < at)?.oid
}

/** What the reader found wrong with names; the rest of its findings have rules of their own. */
function malformedNames(malformed: readonly string[]): string[] {
  return malformed.filter((text) => !/^extension|^the two signature/.test(text))
}

const FIELDS: readonly Rule[] = [
  {
    id: 'version-3',
    citation: 'RFC 5280 §4.1.2.1',
    severity: 'error',
    kinds: ANY,
    check: ({ raw }) => when(raw.version !== 3, `version ${raw.version}: only version 3 can carry purposes and JIDs`),
  },
  {
    id: 'signature-algorithms-agree',
    citation: 'RFC 5280 §4.1.1.2',
    severity: 'error',
    kinds: ANY,
    check: ({ raw }) => when(!raw.sameSignatureAlgorithm, 'the two signature algorithm fields differ'),
  },
  {
    id: 'serial-positive',
    citation: 'RFC 5280 §4.1.2.2',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) => when(/^-|^0+$/.test(facts.serial), `the serial number ${facts.serial} is not positive`),
  },
  {
    id: 'serial-length',
    citation: 'RFC 5280 §4.1.2.2',
    severity: 'error',
    kinds: ANY,
    check: ({ raw }) => when(raw.serial.content.length > 20, 'the serial number is longer than 20 octets'),
  },
  {
    id: 'issuer-present',
    citation: 'RFC 5280 §4.1.2.4',
    severity: 'error',
    kinds: ANY,
    check: ({ raw }) => when(isEmpty(raw.issuer), 'the name of the issuer is empty'),
  },
  {
    id: 'validity-order',
    citation: 'RFC 5280 §4.1.2.5',
    severity: 'error',
    kinds: ANY,
    check: ({ raw }) => when(raw.notAfter < raw.notBefore, 'it ends before it begins'),
  },
  {
    id: 'ca-subject-present',
    citation: 'RFC 5280 §4.1.2.6',
    severity: 'error',
    kinds: ['ca'],
    check: ({ raw }) => when(isEmpty(raw.subject), 'a CA must have a subject'),
  },
  {
    id: 'common-name-length',
    citation: 'RFC 5280 appendix A.1',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) =>
      firstBad(
        facts.commonNames,
        (name) => !fitsCommonName(name),
        () => 'a CN has more than 64 characters',
      ),
  },
]

const NAMES: readonly Rule[] = [
  {
    id: 'names-well-formed',
    citation: 'RFC 5280 §4.2.1.6',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) => malformedNames(facts.malformed)[0],
  },
  {
    id: 'alternative-names-critical',
    citation: 'RFC 5280 §4.2.1.6',
    severity: 'error',
    kinds: END_ENTITY,
    check: ({ raw, extension }) =>
      when(
        isEmpty(raw.subject) && extension(OID.subjectAltName)?.critical !== true,
        'the subject is empty, so there must be a critical subjectAltName',
      ),
  },
  {
    id: 'alternative-names-not-empty',
    citation: 'RFC 5280 §4.2.1.6',
    severity: 'error',
    kinds: ANY,
    // An empty SEQUENCE has two octets.
    check: ({ extension }) =>
      when(extension(OID.subjectAltName)?.value.length === 2, 'the subjectAltName has no name in it'),
  },
  {
    id: 'rfc822-name-mailbox',
    citation: 'RFC 5280 §4.2.1.6',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) =>
      firstBad(
        facts.emails,
        (address) => !MAILBOX.test(address),
        (shown) => `the rfc822Name ${shown} is not a mail address`,
      ),
  },
  {
    id: 'dns-name-host',
    citation: 'RFC 5280 §4.2.1.6',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) =>
      firstBad(
        facts.dnsNames,
        (name) => name.length > 253 || !HOST.test(name),
        (shown) => `the dNSName ${shown} is not a host name`,
      ),
  },
]

const EXTENSIONS: readonly Rule[] = [
  {
    id: 'extensions-once',
    citation: 'RFC 5280 §4.2',
    severity: 'error',
    kinds: ANY,
    check: ({ raw }) => {
      const oid = repeatedExtension(raw)
      return oid === undefined ? undefined : `the extension ${oid} is there twice`
    },
  },
  {
    id: 'critical-extensions-known',
    citation: 'RFC 5280 §4.2',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) =>
      firstBad(
        facts.unknownCritical,
        () => true,
        (oid) =>
          `the critical extension ${oid} is not understood here, nor by most programs: they refuse the certificate`,
      ),
  },
  {
    id: 'authority-key-identifier',
    citation: 'RFC 5280 §4.2.1.1',
    severity: 'error',
    kinds: ANY,
    check: ({ raw, selfIssued, extension }) =>
      when(
        raw.version === 3 && !selfIssued && extension(OID.authorityKeyIdentifier) === undefined,
        'there is no authorityKeyIdentifier',
      ),
  },
  {
    id: 'ca-subject-key-identifier',
    citation: 'RFC 5280 §4.2.1.2',
    severity: 'error',
    kinds: ['ca'],
    check: ({ extension }) =>
      when(extension(OID.subjectKeyIdentifier) === undefined, 'a CA must have a subjectKeyIdentifier'),
  },
  {
    id: 'subject-key-identifier',
    citation: 'RFC 5280 §4.2.1.2',
    severity: 'warning',
    kinds: END_ENTITY,
    check: ({ raw, extension }) =>
      when(raw.version === 3 && extension(OID.subjectKeyIdentifier) === undefined, 'there is no subjectKeyIdentifier'),
  },
  {
    id: 'key-usage-not-empty',
    citation: 'RFC 5280 §4.2.1.3',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) => when(facts.keyUsage?.length === 0, 'the key usage allows nothing'),
  },
  {
    id: 'ca-key-usage',
    citation: 'RFC 5280 §4.2.1.3',
    severity: 'error',
    kinds: ['ca'],
    check: ({ facts }) =>
      when(facts.keyUsage?.includes('keyCertSign') !== true, 'the key usage of a CA must have keyCertSign'),
  },
  {
    id: 'ca-basic-constraints',
    citation: 'RFC 5280 §4.2.1.9',
    severity: 'error',
    kinds: ['ca'],
    check: ({ facts, extension }) =>
      when(
        !facts.isCa || extension(OID.basicConstraints)?.critical !== true,
        'a CA must say so in critical basicConstraints',
      ),
  },
  {
    id: 'cert-sign-only-for-ca',
    citation: 'RFC 5280 §4.2.1.9',
    severity: 'error',
    kinds: END_ENTITY,
    check: ({ facts }) =>
      when(!facts.isCa && facts.keyUsage?.includes('keyCertSign') === true, 'keyCertSign is for CAs only'),
  },
  {
    id: 'path-length-only-for-ca',
    citation: 'RFC 5280 §4.2.1.9',
    severity: 'error',
    kinds: ANY,
    check: ({ facts }) => when(!facts.isCa && facts.pathLength !== undefined, 'a path length is for CAs only'),
  },
]

/** What RFC 5280 demands of every certificate. */
export const RFC5280_RULES: readonly Rule[] = [...FIELDS, ...NAMES, ...EXTENSIONS]
