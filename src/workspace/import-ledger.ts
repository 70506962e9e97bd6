import { createPublicKey } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { XmppkiError } from '../errors.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../pki/certificate.ts'
import type { Issuer } from '../pki/issuer.ts'
import { OID } from '../pki/oids.ts'
import { decodePem } from '../pki/pem.ts'
import type { IssuedRecord } from '../store/ledger.ts'
import { tryParseJid } from '../xmpp/jid.ts'
import { readTextIfAny, withIo } from './files.ts'
import { readInputFile } from './input-file.ts'
import { type IndexEntry, parseOpensslIndex } from './openssl-index.ts'

/** What another program recorded about a CA, and where it keeps the certificates. */
export interface CaHistory {
  /** Absolute path of the database of `openssl ca`. */
  readonly index: string
  /** Absolute paths of folders with one certificate per file, some of which may be missing. */
  readonly folders: readonly string[]
}

/** An index of 100,000 certificates has some 10 MB. */
const MAX_INDEX_BYTES = 256 * 1_048_576

/** The history that `openssl ca` keeps: certificates lie in `newcerts`, or where people put them. */
export function opensslHistory(index: string): CaHistory {
  const folder = dirname(index)
  return { index, folders: ['newcerts', 'certs', '.'].map((name) => join(folder, name)) }
}

/** The history in the PKI folder of easy-rsa 3. */
export function easyRsaHistory(folder: string): CaHistory {
  const folders = ['issued', 'certs_by_serial', 'renewed/issued', 'renewed/certs_by_serial', 'revoked/certs_by_serial']
  return { index: join(folder, 'index.txt'), folders: folders.map((name) => join(folder, name)) }
}

/** Where easy-rsa 3 keeps the CA itself. */
export function easyRsaCa(folder: string): { readonly certificate: string; readonly key: string } {
  return { certificate: join(folder, 'ca.crt'), key: join(folder, 'private', 'ca.key') }
}

interface Found {
  readonly facts: CertificateFacts
  readonly directory: string
}

function tryRead(path: string): { facts: CertificateFacts; der: Uint8Array } | undefined {
  try {
    const der = decodePem(readInputFile(path).toString('latin1'), 'CERTIFICATE', path)
    return { facts: readCertificate(der, path), der }
  } catch (error) {
    // Among the certificates lie keys, requests, bundles.
    if (error instanceof XmppkiError && error.code === 'BAD_INPUT') return undefined
    throw error
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function certificateFiles(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  return withIo(`read ${folder}`, () => readdirSync(folder))
    .filter((name) => /\.(?:pem|crt|cer)$/i.test(name))
    .map((name) => join(folder, name))
    .filter(isFile)
}

function otherCa(path: string, index: string): XmppkiError {
  return new XmppkiError('BAD_INPUT', `${path} stands in ${index} but was not signed by this CA`, {
    hint: 'nothing was imported; is it the index of another CA, or of the same one with an earlier key?',
  })
}

/** The certificates of the index, by serial number; of several copies the first counts. */
function findCertificates(history: CaHistory, entries: readonly IndexEntry[], issuer: Issuer): Map<string, Found> {
  const publicKey = createPublicKey(issuer.key)
  const wanted = new Set(entries.map(({ serial }) => serial))
  const named = entries.flatMap(({ file }) => (file === undefined ? [] : resolve(dirname(history.index), file)))
  const found = new Map<string, Found>()
  for (const path of [...history.folders.flatMap(certificateFiles), ...named.filter(isFile)]) {
    const certificate = tryRead(path)
    if (certificate === undefined) continue
    const { serial } = certificate.facts
    if (!wanted.has(serial) || found.has(serial)) continue
    if (!openCertificate(certificate.der, path).verify(publicKey)) throw otherCa(path, history.index)
    found.set(serial, { facts: certificate.facts, directory: dirname(path) })
  }
  return found
}

type Names = Pick<CertificateFacts, 'xmppAddrs' | 'commonNames' | 'dnsNames' | 'subject'>

/** The JID where there is one; a CN alone is a username, as in the openssl walkthrough. */
function clientName({ xmppAddrs, commonNames, subject }: Names, domain: string): string {
  const [commonName = ''] = commonNames
  const text = xmppAddrs[0] ?? (commonName.includes('@') ? commonName : `${commonName}@${domain}`)
  const jid = tryParseJid(text)
  return jid?.local !== undefined && jid.isBare ? jid.toString() : subject
}

function serverName({ dnsNames, commonNames, subject }: Names): string {
  const jid = tryParseJid(dnsNames[0] ?? commonNames[0] ?? '')
  return jid !== undefined && jid.local === undefined && jid.isBare ? jid.domain : subject
}

function isForServers({ extendedKeyUsage, isCa }: CertificateFacts): boolean {
  const purposes = extendedKeyUsage ?? []
  return isCa || (purposes.includes(OID.serverAuth) && !purposes.includes(OID.clientAuth))
}

/** `/C=AU/CN=alice`: only where the certificate itself is lost. */
function commonNamesOf(subject: string): string[] {
  const name = /(?:^|\/)CN=([^/]+)/.exec(subject)?.[1]
  return name === undefined ? [] : [name]
}

type About = Pick<IssuedRecord, 'kind' | 'name' | 'fingerprint' | 'notBefore' | 'directory'>

function aboutCertificate({ facts, directory }: Found, domain: string): About {
  const { fingerprint } = facts
  const names = isForServers(facts)
    ? ({ kind: 'server', name: serverName(facts) } as const)
    : ({ kind: 'client', name: clientName(facts, domain) } as const)
  return { ...names, fingerprint, notBefore: facts.notBefore.getTime(), directory }
}

function aboutLost({ subject }: IndexEntry, history: CaHistory, { issuer, domain }: ImportContext): About {
  const printable = subject.replace(/\p{Cc}/gu, '?')
  const names = { xmppAddrs: [], commonNames: commonNamesOf(subject), dnsNames: [], subject: printable }
  const notBefore = issuer.certificate.notBefore.getTime()
  return {
    kind: 'client',
    name: clientName(names, domain),
    fingerprint: '',
    notBefore,
    directory: dirname(history.index),
  }
}

interface ImportContext {
  readonly issuer: Issuer
  /** Of usernames that come without one. */
  readonly domain: string
}

/** Rows for the ledger, and how many of them are known from the index alone. */
export interface ImportedHistory {
  readonly records: readonly IssuedRecord[]
  readonly withoutCertificate: number
  /** What its next CRL would have been numbered (RFC 5280 §5.2.3: never smaller than before); undefined: unknown. */
  readonly nextCrlNumber: number | undefined
}

/** `openssl ca` keeps it in hexadecimal beside the index. */
function readNextCrlNumber(index: string): number | undefined {
  const path = join(dirname(index), 'crlnumber')
  const text = readTextIfAny(path)?.trim()
  if (text === undefined) return undefined
  if (/^[0-9A-F]{1,12}$/i.test(text)) return Number.parseInt(text, 16)
  throw new XmppkiError('BAD_INPUT', `${path} does not hold the number of a CRL`, {
    hint: 'nothing was imported; correct the file, or move it away',
  })
}

/**
 * Reads what a CA has issued and revoked. Certificates that cannot be found become rows without a fingerprint: their
 * revocation still counts.
 * @throws {XmppkiError} NOT_FOUND, BAD_INPUT for an index that cannot be read, IO
 */
export function readCaHistory(history: CaHistory, context: ImportContext): ImportedHistory {
  const { index } = history
  const text = readInputFile(index, MAX_INDEX_BYTES).toString('utf8')
  const entries = parseOpensslIndex(text, index).filter(({ serial }) => serial !== context.issuer.certificate.serial)
  const found = findCertificates(history, entries, context.issuer)
  const records = entries.map((entry): IssuedRecord => {
    const { serial, revokedAt, reason } = entry
    const certificate = found.get(serial)
    const about =
      certificate === undefined ? aboutLost(entry, history, context) : aboutCertificate(certificate, context.domain)
    return {
      ...about,
      serial,
      issuer: context.issuer.certificate.serial,
      device: '',
      domains: [],
      notAfter: entry.notAfter.getTime(),
      issuedAt: about.notBefore,
      ...(revokedAt === undefined ? {} : { revokedAt: revokedAt.getTime() }),
      ...(reason === undefined ? {} : { revocationReason: reason }),
    }
  })
  const withoutCertificate = entries.filter(({ serial }) => !found.has(serial)).length
  return { records, withoutCertificate, nextCrlNumber: readNextCrlNumber(index) }
}
