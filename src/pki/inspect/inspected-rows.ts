import { OID } from '../der/oids.ts'
import type { KeyFacts } from '../keys/key-facts.ts'
import type { Inspected } from './inspect.ts'

/** One thing of a file for people: what it is, and its properties in order. */
export interface InspectedRows {
  readonly title: string
  readonly rows: readonly (readonly [name: string, value: string])[]
  /** What it contains, for bundles. */
  readonly contents: readonly InspectedRows[]
}

type Row = readonly [name: string, value: string]
type Of<K extends Inspected['kind']> = Extract<Inspected, { kind: K }>

/** Entries of a CRL that are shown; `--json` has them all. */
const SHOWN_ENTRIES = 20

const PURPOSES: ReadonlyMap<string, string> = new Map([
  [OID.clientAuth, 'clientAuth'],
  [OID.serverAuth, 'serverAuth'],
  [OID.ocspSigning, 'OCSPSigning'],
  [OID.anyExtendedKeyUsage, 'anyExtendedKeyUsage'],
])

/** Names come from whoever made the file; a terminal must not obey them. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`)
}

/** A row, or none for an empty list. */
function list(name: string, values: readonly string[]): Row[] {
  return values.length === 0 ? [] : [[name, values.map(printable).join(', ')]]
}

function optional(name: string, value: string | undefined): Row[] {
  return value === undefined ? [] : [[name, printable(value)]]
}

function seconds(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z')
}

function keyRows(key: KeyFacts | undefined): Row[] {
  if (key === undefined) return []
  return [
    ['key', key.label],
    ['key SHA-256', key.fingerprint],
  ]
}

function purposes(oids: readonly string[] | undefined): readonly string[] {
  return (oids ?? []).map((oid) => PURPOSES.get(oid) ?? oid)
}

function certificateRows(item: Of<'certificate'>): Row[] {
  const authority = item.pathLength === undefined ? 'yes' : `yes, path length ${item.pathLength}`
  return [
    ...optional('friendly name', item.friendlyName),
    ['subject', item.subject === '' ? '(empty)' : item.subject],
    ['issuer', item.selfIssued ? `${item.issuer} (itself)` : item.issuer],
    ['serial', item.serial],
    ['version', String(item.version)],
    ['valid from', seconds(item.notBefore)],
    ['valid until', seconds(item.notAfter)],
    ...list('xmppAddr', item.xmppAddrs),
    ...list('rfc822Name', item.emails),
    ...list('dNSName', item.dnsNames),
    ...list('SRVName', item.srvNames),
    ...(item.isCa ? list('CA', [authority]) : []),
    ...list('key usage', item.keyUsage ?? []),
    ...list('purposes', purposes(item.extendedKeyUsage)),
    ...list('CRL', item.crlUrls),
    ...list('OCSP', item.ocspUrls),
    ...list('issuer at', item.issuerUrls),
    ...list('unknown critical', item.unknownCritical),
    ...list('malformed', item.malformed),
    ['signature', item.signatureAlgorithm],
    ...(item.key === undefined ? list('key', ['of a type that OpenSSL cannot read']) : keyRows(item.key)),
    ['SHA-256', item.fingerprint],
  ]
}

function privateKeyRows({ friendlyName, encryption, key }: Of<'private-key'>): Row[] {
  return [
    ...optional('friendly name', friendlyName),
    ['encryption', encryption ?? 'none'],
    ...keyRows(key),
    ...(key === undefined ? list('note', ['the password is needed to see more: --password-file FILE']) : []),
  ]
}

function requestRows(item: Of<'request'>): Row[] {
  return [
    ['subject', item.subject === '' ? '(empty)' : item.subject],
    ...list('xmppAddr', item.names.xmppAddrs),
    ...list('rfc822Name', item.names.emails),
    ...list('dNSName', item.names.dnsNames),
    ...list('SRVName', item.names.srvNames),
    ...list('malformed', item.names.malformed),
    ...(item.asksForCa ? list('asks to be a CA', ['yes']) : []),
    ...list('purposes', purposes(item.extendedKeyUsage)),
    ['signature', `${item.signature} (proof that the requester has the key)`],
    ...keyRows(item.key),
  ]
}

function crlRows(item: Of<'crl'>): Row[] {
  const shown = item.entries.slice(0, SHOWN_ENTRIES).map((entry, index): Row => {
    const reason = entry.reason === undefined ? '' : `, ${entry.reason}`
    return [index === 0 ? 'serials' : '', `${entry.serial} on ${seconds(entry.revokedAt)}${reason}`]
  })
  const hidden = item.entries.length - shown.length
  return [
    ['issuer', item.issuer],
    ...optional('number', item.number),
    ['this update', seconds(item.thisUpdate)],
    ['next update', item.nextUpdate === undefined ? 'not stated' : seconds(item.nextUpdate)],
    ...list('unknown critical', item.unknownCritical),
    ['signature', item.signatureAlgorithm],
    ['revoked', String(item.entries.length)],
    ...shown,
    ...(hidden > 0 ? ([['', `and ${hidden} more, which --json shows`]] as const) : []),
    ['SHA-256', item.fingerprint],
  ]
}

function pkcs12Rows({ encryption, mac, opened }: Of<'pkcs12'>): Row[] {
  return [
    ['encryption', encryption.length === 0 ? 'none' : encryption.join('; ')],
    ['MAC', mac === undefined ? 'none: anybody could have changed it' : `${mac.hash}, ${mac.iterations} rounds`],
    ...(opened ? [] : list('note', ['the password is needed to see more: --password-file FILE'])),
  ]
}

/** What `cert inspect` prints of one thing. */
export function inspectedRows(item: Inspected): InspectedRows {
  switch (item.kind) {
    case 'certificate':
      return { title: item.isCa ? 'CA certificate' : 'certificate', rows: certificateRows(item), contents: [] }
    case 'private-key':
      return { title: 'private key', rows: privateKeyRows(item), contents: [] }
    case 'public-key':
      return { title: 'public key', rows: keyRows(item.key), contents: [] }
    case 'request':
      return { title: 'certificate request', rows: requestRows(item), contents: [] }
    case 'crl':
      return { title: 'certificate revocation list', rows: crlRows(item), contents: [] }
    case 'pkcs12':
      return { title: 'PKCS #12 bundle', rows: pkcs12Rows(item), contents: item.contents.map(inspectedRows) }
  }
}
