import { join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { type KeyAlgorithm, keyTypeOf } from '../../pki/keys/algorithms.ts'
import { generateKeyPair, type KeyPair } from '../../pki/keys/keys.ts'
import type { Pkcs12Format } from '../../pki/pkcs12/pkcs12.ts'
import { openCertificate } from '../../pki/x509/certificate.ts'
import { certificateId, isSameCertificate } from '../../store/certificate-id.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { findCurrent, findSettled, toRecord, withCurrentFiles } from '../base/current.ts'
import { install } from '../base/install.ts'
import { archiveOf, type Replaced } from '../base/installation.ts'
import { clientFolderName } from '../base/paths.ts'
import { endsWithin, type Period } from '../base/period.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { type NewFile, readTextIfAny, SECRET_FILE } from '../disk/files.ts'
import { type Client, fileNamesOf, holderOf, isOwnFolder } from './client-folder.ts'
import { findCompromise } from './compromised-key.ts'
import { makeClient } from './issue-client.ts'
import { readClientCertificate, readClientKey } from './read-client.ts'

export interface RenewalRequest extends Client {
  readonly days: number
  /** A new key; otherwise the key stays and only the certificate changes. */
  readonly rekey: boolean
  /** Type of a new key; undefined: that of the old one. */
  readonly algorithm?: KeyAlgorithm
  readonly p12Format: Pkcs12Format
  /** Undefined: the one that lies beside the old bundle, else one is generated. */
  readonly p12Password?: string
  /** Renews only what ends within this period; undefined: at once. */
  readonly due?: Period
  /** Revokes the old certificate as superseded, in the ledger; the CRL is up to the caller. */
  readonly revokeOld: boolean
  readonly issuer: IssuerSource
  readonly now?: Date
}

/** The certificate that another one took the place of. */
export interface SupersededCertificate {
  readonly serial: string
  readonly notAfter: Date
  readonly revoked: boolean
  /** Where its files are now. */
  readonly directory: string
}

export interface RenewedClient {
  readonly jid: string
  readonly device: string
  /** False when it is not yet due. */
  readonly renewed: boolean
  /** Of the certificate that is in use now. */
  readonly serial: string
  readonly notAfter: Date
  readonly directory: string
  readonly previous?: SupersededCertificate
  /** To be shown once; undefined when the password of the old bundle was kept or one was given. */
  readonly generatedPassword?: string
}

/**
 * Replaces the client's current certificate by one for the same names. The new files take the place of the old ones,
 * which move to a folder beside with `~` and the start of the old serial number behind the name; the old certificate
 * stays valid until it expires, unless it is revoked. Files that were imported stay where they are, and the new ones
 * go to the workspace.
 * @throws {XmppkiError} NOT_FOUND without a certificate, or without its key when that is to stay; EXISTS when another
 * process was faster; BAD_NAME, BAD_INPUT, PASSPHRASE, IO, CORRUPT; what `issuer` throws
 */
export async function renewClient(workspace: Workspace, request: RenewalRequest): Promise<RenewedClient> {
  const now = request.now ?? new Date()
  const ledger = workspace.ledger()
  const { temporary } = workspace.paths
  const old = findSettled(workspace, holderOf(request))
  if (old === undefined) throw nothingToRenew(request)
  if (request.due !== undefined && !endsWithin(request.due, old, now.getTime())) return notDue(old)
  const make = () => makeRenewed(workspace, request, old, now)
  const { certificate, files, generatedPassword } = await withCurrentFiles(workspace, old, make, () => {
    throw overtaken(request)
  })
  const isOwn = isOwnFolder(workspace, old, request)
  // What was imported stays where it is.
  const directory = isOwn ? old.directory : folderOf(workspace, request)
  const record = toRecord(certificate, { ...holderOf(request), domains: [], directory, now })
  const replaces: Replaced = {
    ...certificateId(old),
    ...(isOwn ? { archive: archiveOf(old) } : {}),
    ...(request.revokeOld ? { revocation: { at: now.getTime(), reason: 'superseded' } } : {}),
  }
  const installation = {
    record,
    files,
    certificateFile: fileNamesOf(request).certificate,
    replaces,
    event: 'renewed' as const,
  }
  const isStillCurrent = () => isSameCertificate(findCurrent(workspace, holderOf(request)), old)
  if (!install(ledger, temporary, installation, isStillCurrent)) throw overtaken(request)
  return {
    ...describe(record, true),
    previous: {
      serial: old.serial,
      notAfter: new Date(old.notAfter),
      revoked: request.revokeOld,
      directory: replaces.archive ?? old.directory,
    },
    ...(generatedPassword === undefined ? {} : { generatedPassword }),
  }
}

async function makeRenewed(workspace: Workspace, request: RenewalRequest, old: IssuedRecord, now: Date) {
  // Before the passphrase of the CA is asked for.
  const oldKeys = request.rekey ? undefined : readClientKey(old, request, readClientCertificate(old, request))
  if (oldKeys !== undefined) refuseCompromisedKey(workspace, request, oldKeys)
  const passwordFile = fileNamesOf(request).p12Password
  // The user knows it already; a new one would have to be handed over again.
  const kept = readTextIfAny(join(old.directory, passwordFile))?.trim() || undefined
  const p12Password = request.p12Password ?? kept
  const takeKeys = async () => oldKeys ?? newKeys(request, old)
  const made = await makeClient({ ...request, ...(p12Password === undefined ? {} : { p12Password }) }, now, takeKeys)
  if (request.p12Password !== undefined || kept === undefined) return made
  const keptFile: NewFile = { name: passwordFile, content: `${kept}\n`, mode: SECRET_FILE }
  return { ...made, files: [...made.files, keptFile] }
}

/** An older certificate for the same key may have been revoked by its serial number alone. */
function refuseCompromisedKey(workspace: Workspace, client: Client, { publicKey }: KeyPair): void {
  const revoked = findCompromise(workspace, client, publicKey)
  if (revoked === undefined) return
  const text = `the key of ${nameOf(client)} was revoked as compromised with the certificate ${revoked.serial}`
  throw new XmppkiError('BAD_INPUT', text, {
    hint: `make a new one with --rekey, and revoke what the key still opens: xmppki client revoke ${client.jid}`,
    spec: 'RFC 5280 §5.3.1',
  })
}

function folderOf(workspace: Workspace, { jid, device }: Client): string {
  return join(workspace.paths.clients(jid.domain), clientFolderName(jid.local ?? '', device))
}

/** Of a lost certificate nobody knows the type of the key. */
function newKeys(request: RenewalRequest, old: IssuedRecord): Promise<KeyPair> {
  if (request.algorithm !== undefined) return generateKeyPair(request.algorithm)
  return generateKeyPair(keyTypeOf(openCertificate(readClientCertificate(old, request).der).publicKey))
}

function describe({ name, device, serial, notAfter, directory }: IssuedRecord, renewed: boolean): RenewedClient {
  return { jid: name, device, renewed, serial, notAfter: new Date(notAfter), directory }
}

function notDue(current: IssuedRecord): RenewedClient {
  return describe(current, false)
}

function nameOf({ jid, device }: Client): string {
  return device === '' ? jid.toString() : `${jid} (${device})`
}

function nothingToRenew(client: Client): XmppkiError {
  return new XmppkiError('NOT_FOUND', `${nameOf(client)} has no certificate here that is not revoked`, {
    hint: `make one with: xmppki client issue ${client.jid}`,
  })
}

/** Nothing was done, because the certificate that was to be superseded is not the current one any more. */
export function overtaken(client: Client): XmppkiError {
  return new XmppkiError('EXISTS', `another process has just renewed or revoked the certificate of ${nameOf(client)}`, {
    hint: `nothing was changed; look with: xmppki client show ${client.jid}`,
  })
}
