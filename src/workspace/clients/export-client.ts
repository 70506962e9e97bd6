import { basename, dirname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { encodePem } from '../../pki/der/pem.ts'
import { encodePrivateKey } from '../../pki/keys/keys.ts'
import { encodePkcs12, type Pkcs12Format } from '../../pki/pkcs12/pkcs12.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { aboutRecord, currentActor } from '../base/audit-events.ts'
import { findSettled, withCurrentFiles } from '../base/current.ts'
import { generatePassword } from '../base/password.ts'
import type { Workspace } from '../base/workspace.ts'
import { createFile, exists, type NewFile, removeAll, SECRET_FILE } from '../disk/files.ts'
import type { Client } from './client-folder.ts'
import { readClientCertificate, readClientKey } from './read-client.ts'

/** `p12`: key, certificate and CA. `pem`: the same, unencrypted. `chain`: certificate and CA, without the key. */
export type ExportFormat = 'p12' | 'pem' | 'chain'

export interface ExportRequest extends Client {
  readonly format: ExportFormat
  /** Absolute path of the file to make. */
  readonly out: string
  /** For `p12`; undefined: one is generated and written to `out` with `.password` behind it. */
  readonly p12Password?: string
  readonly p12Format: Pkcs12Format
}

export interface ExportedClient {
  readonly jid: string
  readonly device: string
  readonly serial: string
  readonly notAfter: Date
  readonly format: ExportFormat
  /** Absolute path. */
  readonly file: string
  /** Where the generated password was written. */
  readonly passwordFile?: string
  /** To be shown once; undefined when it was given or none is needed. */
  readonly generatedPassword?: string
}

/**
 * Writes the client's current certificate to a new file of mode 0600 in another form. Needs no CA key.
 * @throws {XmppkiError} EXISTS when the file is there, NOT_FOUND without certificate or key, CORRUPT when a file is not
 * what the ledger says, PASSPHRASE for a blank password, IO
 */
export async function exportClient(workspace: Workspace, request: ExportRequest): Promise<ExportedClient> {
  const { jid, device } = request
  const record = findSettled(workspace, { kind: 'client', name: jid.toString(), device })
  if (record === undefined) throw noCertificate(request)
  const again = () => exportClient(workspace, request)
  return withCurrentFiles(workspace, record, () => exportRecord(workspace, record, request), again)
}

async function exportRecord(
  workspace: Workspace,
  record: IssuedRecord,
  request: ExportRequest,
): Promise<ExportedClient> {
  const { device, format, out } = request
  const generatedPassword = format === 'p12' && request.p12Password === undefined ? generatePassword() : undefined
  const passwordFile = `${out}.password`
  refuseToOverwrite(generatedPassword === undefined ? [out] : [out, passwordFile])
  const content = await encode(workspace, record, request, request.p12Password ?? generatedPassword ?? '')
  const files: NewFile[] = [{ name: basename(out), content, mode: SECRET_FILE }]
  if (generatedPassword !== undefined) {
    files.unshift({ name: basename(passwordFile), content: `${generatedPassword}\n`, mode: SECRET_FILE })
  }
  workspace.ledger().transaction((_insert, changes) => {
    createAll(dirname(out), files)
    const about = { ...aboutRecord(record), details: { format, file: out } }
    changes.audit({ at: Date.now(), event: 'exported', actor: currentActor(), ...about })
  })
  const { serial, notAfter } = record
  const exported = { jid: record.name, device, serial, notAfter: new Date(notAfter), format, file: out }
  return generatedPassword === undefined ? exported : { ...exported, passwordFile, generatedPassword }
}

function noCertificate({ jid, device }: Client): XmppkiError {
  const name = device === '' ? jid.toString() : `${jid} (${device})`
  return new XmppkiError('NOT_FOUND', `${name} has no certificate here that is not revoked`, {
    hint: `see which there are with: xmppki client show ${jid}`,
  })
}

function refuseToOverwrite(paths: readonly string[]): void {
  for (const path of paths) {
    if (exists(path)) {
      throw new XmppkiError('EXISTS', `${path} is already there`, { hint: 'nothing was written; give another --out' })
    }
  }
}

async function encode(
  workspace: Workspace,
  record: IssuedRecord,
  request: ExportRequest,
  password: string,
): Promise<string | Uint8Array> {
  const above = workspace.chainAbove(record)
  const certificate = readClientCertificate(record, request)
  const chain = encodePem('CERTIFICATE', certificate.der) + above.join('')
  if (request.format === 'chain') return chain
  const { privateKey } = readClientKey(record, request, certificate)
  if (request.format === 'pem') return (await encodePrivateKey(privateKey)) + chain
  return encodePkcs12({
    key: privateKey,
    certificate: certificate.der,
    chain: above,
    friendlyName: record.device === '' ? record.name : `${record.name} (${record.device})`,
    password,
    format: request.p12Format,
  })
}

/** All of the files or none. */
function createAll(folder: string, files: readonly NewFile[]): void {
  const made: string[] = []
  try {
    for (const file of files) {
      createFile(folder, file)
      made.push(file.name)
    }
  } catch (error) {
    for (const name of made) removeAll(join(folder, name))
    throw error
  }
}
