import { basename, dirname, join } from 'node:path'
import { decodePem } from '../../pki/der/pem.ts'
import { authorityId } from '../../pki/x509/authority-id.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import { readRawCertificate } from '../../pki/x509/certificate-der.ts'
import type { SignerId } from '../../store/certificate-id.ts'
import type { IssuedRecord, Ledger } from '../../store/ledger.ts'
import { exists, readTextIfAny } from '../disk/files.ts'
import type { WorkspacePaths } from './paths.ts'

/** A CA of the workspace, and where its files are; the key may be somewhere else. */
export interface Authority {
  readonly kind: 'root' | 'issuing'
  /** What the CA is, whichever of its certificates this one is: what `authority` is in the ledger. See `authorityId`. */
  readonly id: string
  /** Serial number of its certificate, lower-case hexadecimal: what `issuer` is in the ledger. */
  readonly serial: string
  readonly subject: string
  /** What the ledger calls it: its Common Name, where it has one. */
  readonly name: string
  readonly pem: string
  readonly der: Uint8Array
  /** SHA-256 over `der`, lower-case hexadecimal. */
  readonly fingerprint: string
  readonly notAfter: Date
  /** Whether its certificate allows it to sign CRLs (RFC 5280 §4.2.1.3). */
  readonly signsCrls: boolean
  /** Absolute paths. */
  readonly files: AuthorityFiles
  /** What its CRL and its certificate are called where they are published, without the ending. */
  readonly publicName: string
}

/** Absolute paths of what a CA has. */
export interface AuthorityFiles {
  readonly certificate: string
  readonly key: string
  /** Instead of a key file: where in which PKCS #11 token the key is. */
  readonly token: string
  /** Missing until the first revocation or `ca crl`. */
  readonly crl: string
}

/** This CA, as the rows name it of what it has signed. */
export function signerId({ id, serial }: Authority): SignerId {
  return { authority: id, issuer: serial }
}

/** Files of the CA `name` in this folder. */
function authorityFiles(folder: string, name: 'root' | 'issuing'): AuthorityFiles {
  const file = (ending: string) => join(folder, `${name}.${ending}`)
  return { certificate: file('crt'), key: file('key'), token: file('pkcs11.json'), crl: file('crl') }
}

/** What there is instead of the key itself, or the key: the file that says in which token it is, or the key file. */
export function keyFileOf({ key, token }: AuthorityFiles): string {
  return exists(token) ? token : key
}

/** Reads the CA in a folder; undefined when its certificate is not there. @throws {XmppkiError} BAD_INPUT, IO */
export function readAuthority(folder: string, kind: Authority['kind']): Authority | undefined {
  const files = authorityFiles(folder, kind)
  const pem = readTextIfAny(files.certificate)
  if (pem === undefined) return undefined
  const { certificate } = files
  const der = decodePem(pem, 'CERTIFICATE', certificate)
  const { serial, subject, commonNames, notAfter, fingerprint, keyUsage } = readCertificate(der, certificate)
  const name = commonNames[0] ?? subject
  const id = authorityId(readRawCertificate(der))
  const publicName = kind === 'root' ? 'root' : `issuing-${serial.slice(0, 12)}`
  const signsCrls = keyUsage?.includes('cRLSign') !== false
  return { kind, id, serial, subject, name, pem, der, fingerprint, notAfter, signsCrls, files, publicName }
}

/**
 * The issuing CAs of the workspace, the one in use first, then those before it, whose certificates are still about.
 * @param options.revoked whether those that were revoked are among them
 * @throws {XmppkiError} BAD_INPUT, CORRUPT, IO
 */
export function issuingAuthorities(
  ledger: Ledger,
  paths: WorkspacePaths,
  { revoked = false }: { readonly revoked?: boolean } = {},
): Authority[] {
  const isIn = ({ directory, revokedAt }: IssuedRecord) => (revoked || revokedAt === undefined) && exists(directory)
  const records = ledger.list('issuing').filter(isIn).toReversed()
  const inUse = records.filter(({ directory }) => directory === paths.issuing)
  const earlier = records.filter(({ directory }) => directory !== paths.issuing && isArchive(directory, paths))
  return [...inUse, ...earlier].flatMap(({ directory }) => readAuthority(directory, 'issuing') ?? [])
}

function isArchive(directory: string, paths: WorkspacePaths): boolean {
  return dirname(directory) === dirname(paths.issuing) && basename(directory).startsWith(`${basename(paths.issuing)}~`)
}
