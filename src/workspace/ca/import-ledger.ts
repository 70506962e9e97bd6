import { readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { decodePem } from '../../pki/der/pem.ts'
import type { Issuer } from '../../pki/issue/issuer.ts'
import { DEFAULT_MIN_RSA_BITS } from '../../pki/keys/key-strength.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../../pki/x509/certificate.ts'
import { readRawCertificate } from '../../pki/x509/certificate-der.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { checkStrength, type StrengthRefusal } from '../../trust/strength.ts'
import { readTextIfAny, withIo } from '../disk/files.ts'
import { readInputFile } from '../disk/named-file.ts'
import { calledInLedger, clientName } from './certificate-names.ts'
import { type IndexEntry, parseOpensslIndex } from './openssl-index.ts'

/** What another program recorded about a CA, and where it keeps the certificates. */
interface IndexedHistory {
  /** Absolute path of the database of `openssl ca`. */
  readonly index: string
  /** Absolute paths of folders with one certificate per file, some of which may be missing. */
  readonly folders: readonly string[]
}

/** What a CA has issued: as another program recorded it, or as the certificates show that are still about. */
export type CaHistory =
  | IndexedHistory
  /** Absolute path of one certificate, or of a folder with some, as `openssl x509 -req` leaves them: without any record. */
  | { readonly issued: string }

/** An index of 100,000 certificates has some 10 MB. */
const MAX_INDEX_BYTES = 256 * 1_048_576

/** The history that `openssl ca` keeps: certificates lie in `newcerts`, or where people put them. */
export function opensslHistory(index: string): IndexedHistory {
  const folder = dirname(index)
  return { index, folders: ['newcerts', 'certs', '.'].map((name) => join(folder, name)) }
}

/** The history in the PKI folder of easy-rsa 3. */
export function easyRsaHistory(folder: string): IndexedHistory {
  const folders = ['issued', 'certs_by_serial', 'renewed/issued', 'renewed/certs_by_serial', 'revoked/certs_by_serial']
  return { index: join(folder, 'index.txt'), folders: folders.map((name) => join(folder, name)) }
}

/** Where easy-rsa 3 keeps the CA itself. */
export function easyRsaCa(folder: string): { readonly certificate: string; readonly key: string } {
  return { certificate: join(folder, 'ca.crt'), key: join(folder, 'private', 'ca.key') }
}

/** What a server accepts that is not told otherwise. */
const STRENGTH = { minRsaBits: DEFAULT_MIN_RSA_BITS, isAnchor: false }

interface Found {
  readonly facts: CertificateFacts
  /** Why its signature or its key are not accepted. */
  readonly fault: StrengthRefusal | undefined
  readonly directory: string
}

function tryRead(path: string): (Found & { readonly der: Uint8Array }) | undefined {
  try {
    const der = decodePem(readInputFile(path).toString('latin1'), 'CERTIFICATE', path)
    const facts = readCertificate(der, path)
    return { facts, fault: checkStrength(readRawCertificate(der), STRENGTH), directory: dirname(path), der }
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
function findCertificates(history: IndexedHistory, entries: readonly IndexEntry[], issuer: Issuer): Map<string, Found> {
  const { publicKey } = issuer.key
  const wanted = new Set(entries.map(({ serial }) => serial))
  const named = entries.flatMap(({ file }) => (file === undefined ? [] : resolve(dirname(history.index), file)))
  const found = new Map<string, Found>()
  for (const path of [...history.folders.flatMap(certificateFiles), ...named.filter(isFile)]) {
    const certificate = tryRead(path)
    if (certificate === undefined) continue
    const { serial } = certificate.facts
    if (!wanted.has(serial) || found.has(serial)) continue
    if (!openCertificate(certificate.der, path).verify(publicKey)) throw otherCa(path, history.index)
    found.set(serial, certificate)
  }
  return found
}

/** `/C=AU/CN=alice`: only where the certificate itself is lost. */
function commonNamesOf(subject: string): string[] {
  const name = /(?:^|\/)CN=([^/]+)/.exec(subject)?.[1]
  return name === undefined ? [] : [name]
}

type About = Pick<IssuedRecord, 'kind' | 'name' | 'fingerprint' | 'notBefore' | 'directory'>

function aboutCertificate({ facts, directory }: Found, domain: string): About {
  const { fingerprint } = facts
  return { ...calledInLedger(facts, domain), fingerprint, notBefore: facts.notBefore.getTime(), directory }
}

function aboutLost({ subject }: IndexEntry, history: IndexedHistory, { issuer, domain }: ImportContext): About {
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
  /** Why certificates are not accepted in a login although the CA has issued them, by serial number. */
  readonly faults: ReadonlyMap<string, StrengthRefusal>
  /** What its next CRL would have been numbered (RFC 5280 §5.2.3: never smaller than before); undefined: unknown. */
  readonly nextCrlNumber: number | undefined
}

function faultsOf(found: ReadonlyMap<string, Found>): Map<string, StrengthRefusal> {
  return new Map([...found].flatMap(([serial, { fault }]) => (fault === undefined ? [] : [[serial, fault] as const])))
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

function sameSerial(path: string, { directory, facts }: Found): XmppkiError {
  const other = `another certificate in ${directory} (${facts.subject})`
  return new XmppkiError('BAD_INPUT', `${path} has the serial number ${facts.serial} of ${other}`, {
    hint: 'nothing was imported; whoever revokes one revokes both: move one of them away, and issue it anew',
    spec: 'RFC 5280 §4.1.2.2',
  })
}

/** The certificates that this CA has signed, by serial number; whatever else lies there is passed over. */
function findIssued(paths: readonly string[], issuer: Issuer): Map<string, Found> {
  const found = new Map<string, Found>()
  for (const path of paths) {
    const certificate = tryRead(path)
    if (certificate === undefined || certificate.facts.fingerprint === issuer.certificate.fingerprint) continue
    if (!openCertificate(certificate.der, path).verify(issuer.key.publicKey)) continue
    const { facts } = certificate
    const first = found.get(facts.serial)
    if (first !== undefined && first.facts.fingerprint !== facts.fingerprint) throw sameSerial(path, first)
    found.set(facts.serial, first ?? certificate)
  }
  return found
}

/** The order of issue is that of the dates: nothing else is known. */
function readIssued(issued: string, { issuer, domain }: ImportContext): ImportedHistory {
  const isFolder = withIo(`read ${issued}`, () => statSync(issued, { throwIfNoEntry: false }))?.isDirectory()
  const found = findIssued(isFolder ? certificateFiles(issued) : [issued], issuer)
  if (found.size === 0) {
    const what = isFolder ? `there is no certificate in ${issued} that` : `${issued} is not a certificate that`
    throw new XmppkiError('BAD_INPUT', `${what} this CA has signed`, { hint: 'nothing was imported' })
  }
  const records = [...found.values()].map((certificate) => {
    const { serial, notAfter } = certificate.facts
    const about = aboutCertificate(certificate, domain)
    const common = {
      issuer: issuer.certificate.serial,
      authority: issuer.id,
      device: '',
      domains: [],
      notAfter: notAfter.getTime(),
    }
    return { ...about, ...common, serial, issuedAt: about.notBefore }
  })
  const sorted = records.toSorted((a, b) => a.issuedAt - b.issuedAt)
  return { records: sorted, withoutCertificate: 0, faults: faultsOf(found), nextCrlNumber: undefined }
}

/**
 * Reads what a CA has issued and revoked. Certificates that cannot be found become rows without a fingerprint: their
 * revocation still counts.
 * @throws {XmppkiError} NOT_FOUND, BAD_INPUT for an index that cannot be read, IO
 */
export function readCaHistory(history: CaHistory, context: ImportContext): ImportedHistory {
  return 'issued' in history ? readIssued(history.issued, context) : readIndexed(history, context)
}

function readIndexed(history: IndexedHistory, context: ImportContext): ImportedHistory {
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
      authority: context.issuer.id,
      device: '',
      domains: [],
      notAfter: entry.notAfter.getTime(),
      issuedAt: about.notBefore,
      ...(revokedAt === undefined ? {} : { revokedAt: revokedAt.getTime() }),
      ...(reason === undefined ? {} : { revocationReason: reason }),
    }
  })
  const withoutCertificate = entries.filter(({ serial }) => !found.has(serial)).length
  return { records, withoutCertificate, faults: faultsOf(found), nextCrlNumber: readNextCrlNumber(index) }
}
