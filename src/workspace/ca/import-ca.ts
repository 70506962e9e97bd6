import { XmppkiError } from '../../errors.ts'
import { checkCaKey, judgeImportedCa } from '../../pki/issue/imported-ca.ts'
import type { Issuer } from '../../pki/issue/issuer.ts'
import { privateKeyText, withoutDes } from '../../pki/keys/key-import.ts'
import { decodePrivateKey, encodePrivateKey, isEncryptedPrivateKey, type KeyPair } from '../../pki/keys/keys.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { StrengthRefusal } from '../../trust/strength.ts'
import { checkDefaultDomain, firstPermittedDomain } from '../base/default-domain.ts'
import { install } from '../base/install.ts'
import type { Installation } from '../base/installation.ts'
import { writeSettings } from '../base/settings.ts'
import type { Workspace } from '../base/workspace.ts'
import { type NewFile, PUBLIC_FILE, SECRET_FILE } from '../disk/files.ts'
import { readInputFile } from '../disk/named-file.ts'
import { type CaHistory, type ImportedHistory, readCaHistory } from './import-ledger.ts'

export interface ImportCaRequest {
  /** Absolute path, PEM or DER. */
  readonly certificate: string
  /** Absolute path: PKCS #8 or the traditional forms, PEM or DER. */
  readonly key: string
  /** What the CA has issued before; undefined: nothing is known about that. */
  readonly history?: CaHistory
  /** The default XMPP domain; undefined: the first that the CA is limited to, else `localhost`. */
  readonly domain: string | undefined
  /** Asked only when the key is encrypted. */
  readonly oldPassphrase: () => Promise<string>
  /** Asked once everything has been found good; undefined leaves the key unencrypted. */
  readonly passphrase: () => Promise<string | undefined>
  readonly now?: Date
}

/** Certificates that no server accepts that is not told to. */
export interface RefusedCertificates {
  readonly check: StrengthRefusal['check']
  readonly reason: string
  readonly certificates: number
}

export interface ImportCaResult {
  readonly subject: string
  readonly serial: string
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  readonly notAfter: Date
  /** `rsa:4096` and the like. */
  readonly keyType: string
  /** The default XMPP domain of the workspace. */
  readonly domain: string
  readonly files: { readonly key: string; readonly certificate: string }
  /** What the certificate lacks of what RFC 5280 asks of a CA. */
  readonly findings: readonly string[]
  /** What came from the index; undefined without one. */
  readonly history?: {
    readonly certificates: number
    readonly revoked: number
    /** Of these only the index is left. */
    readonly withoutCertificate: number
    /** Why certificates of clients that are neither revoked nor expired do not log in all the same. */
    readonly refused: readonly RefusedCertificates[]
  }
}

/**
 * Takes over a root CA that another program made: judges it, encrypts its key anew and starts the ledger with what it
 * has issued so far. The files it came from stay as they are.
 * @throws {XmppkiError} EXISTS when there is a CA, BAD_INPUT when certificate, key or index cannot be used, PASSPHRASE,
 * NOT_FOUND, IO
 */
export async function importCa(workspace: Workspace, request: ImportCaRequest): Promise<ImportCaResult> {
  if (workspace.hasCa) throw alreadyThere(workspace)
  const now = request.now ?? new Date()
  const certificate = readInputFile(request.certificate)
  // Before a passphrase is asked for in vain.
  checkCaKey(certificate, request.certificate)
  const keys = await readKey(request)
  const { issuer, findings } = judgeImportedCa(certificate, keys, now, request.certificate)
  const { permittedDomains } = issuer
  const domain = request.domain ?? firstPermittedDomain(permittedDomains) ?? 'localhost'
  checkDefaultDomain(domain, permittedDomains, request.certificate)
  const history = request.history === undefined ? undefined : readCaHistory(request.history, { issuer, domain })
  const key = await encodePrivateKey(keys.privateKey, await request.passphrase())
  installCa(workspace, { issuer, key, domain, history, now })
  const { subject, serial, fingerprint, notAfter } = issuer.certificate
  return {
    subject,
    serial,
    fingerprint,
    notAfter,
    keyType: keys.algorithm.id,
    domain,
    files: { key: workspace.paths.rootKey, certificate: workspace.paths.rootCertificate },
    findings,
    ...(history === undefined ? {} : { history: count(history, now) }),
  }
}

function alreadyThere({ paths }: Workspace): XmppkiError {
  return new XmppkiError('EXISTS', `there is already a CA in ${paths.home}`, {
    hint: 'nothing was changed; --home imports into another workspace',
  })
}

async function readKey({ key, oldPassphrase }: ImportCaRequest): Promise<KeyPair> {
  const text = privateKeyText(readInputFile(key))
  if (!isEncryptedPrivateKey(text)) return decodePrivateKey(text, { source: key })
  const passphrase = await oldPassphrase()
  return decodePrivateKey(withoutDes(text, passphrase, key), { passphrase, source: key })
}

function count({ records, withoutCertificate, faults }: ImportedHistory, now: Date) {
  const revoked = records.filter(({ revokedAt }) => revokedAt !== undefined).length
  const refused = new Map<string, RefusedCertificates>()
  for (const { serial, kind, revokedAt, notAfter } of records) {
    const fault = faults.get(serial)
    if (fault === undefined || kind !== 'client' || revokedAt !== undefined || notAfter < now.getTime()) continue
    const { check, reason } = fault
    refused.set(reason, { check, reason, certificates: (refused.get(reason)?.certificates ?? 0) + 1 })
  }
  return { certificates: records.length, revoked, withoutCertificate, refused: [...refused.values()] }
}

interface ReadyCa {
  readonly issuer: Issuer
  /** As it will be written. */
  readonly key: string
  readonly domain: string
  readonly history: ImportedHistory | undefined
  readonly now: Date
}

function installCa(workspace: Workspace, { issuer, key, domain, history, now }: ReadyCa): void {
  const { paths } = workspace
  const { pem, serial, fingerprint, commonNames, subject, notBefore, notAfter } = issuer.certificate
  const record: IssuedRecord = {
    serial,
    kind: 'root',
    issuer: serial,
    authority: issuer.id,
    name: commonNames[0] ?? subject,
    device: '',
    domains: [],
    fingerprint,
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    issuedAt: now.getTime(),
    directory: paths.ca,
  }
  const files: NewFile[] = [
    { name: 'root.key', content: key, mode: SECRET_FILE },
    { name: 'root.crt', content: pem, mode: PUBLIC_FILE },
  ]
  const installation: Installation = {
    record,
    files,
    certificateFile: 'root.crt',
    history: history?.records ?? [],
    event: 'ca-imported',
  }
  const installed = install(workspace.ledger(), paths.temporary, installation, () => {
    if (workspace.hasCa) return false
    writeSettings(paths.settings, { domain })
    return true
  })
  if (!installed) throw alreadyThere(workspace)
  const next = history?.nextCrlNumber ?? 1
  // The number given here is the last one of the old program, so that the next one continues its row.
  if (next > 1) workspace.ledger().transaction((_insert, changes) => changes.nextCrlNumber(record, next - 2))
}
