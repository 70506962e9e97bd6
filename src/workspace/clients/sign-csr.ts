import { X509Certificate } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { type ApprovedRequest, judgeCsr, type SigningPolicy } from '../../pki/csr/csr-judge.ts'
import { type CertificateRequest, readCsr } from '../../pki/csr/csr-reader.ts'
import { encodePem } from '../../pki/der/pem.ts'
import { type IssuedCertificate, prepareClient, sign } from '../../pki/issue/issue.ts'
import { isSamePublicKey } from '../../pki/keys/keys.ts'
import { certificateId, isSameCertificate } from '../../store/certificate-id.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { checkConstraints } from '../base/check-constraints.ts'
import { findCurrent, findSettled, toRecord, warnAboutExpired, warnAboutSuperseded } from '../base/current.ts'
import { install } from '../base/install.ts'
import { archiveOf, type Installation, type Replaced } from '../base/installation.ts'
import { clientFolderName } from '../base/paths.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { diskName } from '../disk/disk-name.ts'
import {
  createFile,
  exists,
  makePrivateFolder,
  type NewFile,
  PUBLIC_FILE,
  readTextIfAny,
  syncFolder,
} from '../disk/files.ts'
import { readInputFile } from '../disk/named-file.ts'
import { roomFor } from './archive-revoked.ts'
import { isOwnFolder } from './client-folder.ts'
import { findCompromise } from './compromised-key.ts'
import { overtaken, type SupersededCertificate } from './renew-client.ts'

export interface SignRequest {
  readonly policy: SigningPolicy
  /** The empty string is the user's main device. */
  readonly device: string
  readonly days: number
  /** Absolute path of the folder for the certificates; undefined: beside each request. */
  readonly out?: string
  /** Accepts a request whose key already has the account's current certificate. */
  readonly ifMissing: boolean
  /** Lets the certificate supersede the current one of the account, if it has one. */
  readonly renew: boolean
  /** Revokes what is superseded, in the ledger; the CRL is up to the caller. */
  readonly revokeOld: boolean
  readonly issuer: IssuerSource
  readonly now?: Date
}

export interface SignedClient {
  /** Absolute path of the request. */
  readonly request: string
  readonly jid: string
  readonly device: string
  readonly serial: string
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  readonly notAfter: Date
  /** What to send back. Absolute paths. */
  readonly files: {
    readonly certificate: string
    /** The certificate followed by those of the CAs above it. */
    readonly chain: string
  }
  /** Where the workspace keeps request and certificate. */
  readonly directory: string
  /** For people: what was asked for and does not stand in the certificate. */
  readonly notCopied: readonly string[]
  /** False when it was there before and `ifMissing` was set. */
  readonly created: boolean
  /** What it supersedes. */
  readonly previous?: SupersededCertificate
}

interface Work extends SignRequest {
  /** Absolute path of the request. */
  readonly file: string
  readonly csr: CertificateRequest
  readonly approved: ApprovedRequest
  readonly outputs: SignedClient['files']
  readonly now: Date
}

/**
 * Judges one request and signs it: the certificate appears in the workspace together with its row, then beside the request.
 * @param file absolute path
 * @throws {XmppkiError} BAD_INPUT or BAD_NAME with the refusal in brackets (see `judgeCsr`), EXISTS, NOT_FOUND, IO,
 * CORRUPT; what `issuer` throws
 */
export async function signCsr(workspace: Workspace, file: string, request: SignRequest): Promise<SignedClient> {
  const csr = readCsr(readInputFile(file), file)
  const approved = judgeCsr(csr, request.policy, file)
  const now = request.now ?? new Date()
  const work = { ...request, file, csr, approved, outputs: outputsFor(file, request.out), now }
  refuseCompromisedKey(workspace, work)
  const find = request.renew ? findSettled : findCurrent
  const existing = find(workspace, holderOf(work))
  if (existing !== undefined && !isToRenew(work, existing)) return acceptExisting(workspace, work, existing)
  const taken = [work.outputs.certificate, work.outputs.chain].find(exists)
  if (taken !== undefined) throw occupied(taken)
  const { record, certificate, chain, replaces } = await issue(workspace, work, existing)
  let winner: IssuedRecord | undefined
  const names = fileNames(approved.jid)
  const files: NewFile[] = [
    { name: names.csr, content: encodePem('CERTIFICATE REQUEST', csr.der), mode: PUBLIC_FILE },
    { name: names.certificate, content: certificate.pem, mode: PUBLIC_FILE },
    { name: names.chain, content: chain, mode: PUBLIC_FILE },
  ]
  const installation: Installation = {
    record,
    files,
    certificateFile: names.certificate,
    event: 'signed',
    ...(replaces === undefined ? {} : { replaces }),
  }
  const installed = install(workspace.ledger(), workspace.paths.temporary, installation, () => {
    winner = findCurrent(workspace, holderOf(work))
    return isSameCertificate(winner, existing)
  })
  if (!installed && winner !== undefined) return acceptExisting(workspace, work, winner)
  if (!installed) throw overtaken({ jid: approved.jid, device: request.device })
  writeNewOutputs(work, record, { certificate: certificate.pem, chain })
  const signed = describe(work, record, true)
  return existing === undefined ? signed : { ...signed, previous: superseded(existing, replaces) }
}

/** Whoever has the key that was stolen can prove to have it, too. */
function refuseCompromisedKey(workspace: Workspace, { approved, device, csr, file }: Work): void {
  const { jid } = approved
  const revoked = findCompromise(workspace, { jid, device }, csr.publicKey)
  if (revoked === undefined) return
  const why = `its key was revoked as compromised with the certificate ${revoked.serial}`
  throw new XmppkiError('BAD_INPUT', `${file} is refused (compromised-key): ${why}`, {
    hint: `have a new key made, for example: xmppki client csr ${jid}`,
    spec: 'RFC 5280 §5.3.1',
  })
}

/** Whether the certificate is to be superseded; `ifMissing` is content with one for the same key. */
function isToRenew({ renew, ifMissing, approved, csr }: Work, { directory }: IssuedRecord): boolean {
  const certificate = readTextIfAny(join(directory, fileNames(approved.jid).certificate))
  return renew && !(ifMissing && certificate !== undefined && certifies(certificate, csr))
}

function superseded({ serial, notAfter, directory }: IssuedRecord, replaces: Replaced | undefined) {
  const revoked = replaces?.revocation !== undefined
  return { serial, notAfter: new Date(notAfter), revoked, directory: replaces?.archive ?? directory }
}

interface Issued {
  readonly record: IssuedRecord
  readonly certificate: IssuedCertificate
  readonly chain: string
  readonly replaces: Replaced | undefined
}

async function issue(workspace: Workspace, work: Work, old: IssuedRecord | undefined): Promise<Issued> {
  const { approved, csr, days, now } = work
  const { jid } = approved
  const local = jid.local ?? ''
  const issuer = await work.issuer()
  if (old === undefined) warnAboutSuperseded(workspace, holderOf(work), now)
  const account = { local, domain: jid.domain, bare: jid.toString() }
  const prepared = prepareClient({
    jid: account,
    publicKey: csr.publicKey,
    days,
    now,
    issuer,
    caUrls: issuer.caUrls,
  })
  const certificate = await sign(prepared, issuer.key, (unsigned) => checkConstraints(unsigned, issuer, account))
  const client = { jid, device: work.device }
  // What was imported stays where it is.
  const own = old !== undefined && isOwnFolder(workspace, old, client) ? old : undefined
  const usual = join(workspace.paths.clients(jid.domain), clientFolderName(local, work.device))
  const directory = own?.directory ?? usual
  const record = toRecord(certificate, { ...holderOf(work), domains: [], directory, now })
  const replaces =
    old === undefined
      ? roomFor(workspace, record, client)
      : {
          ...certificateId(old),
          ...(own === undefined ? {} : { archive: archiveOf(own) }),
          ...(work.revokeOld ? { revocation: { at: now.getTime(), reason: 'superseded' } } : {}),
        }
  return { record, certificate, replaces, chain: [certificate.pem, ...issuer.chain].join('') }
}

function holderOf({ approved, device }: Work) {
  return { kind: 'client', name: approved.jid.toString(), device } as const
}

function fileNames({ local }: Jid) {
  const base = diskName(local ?? '')
  return { csr: `${base}.csr`, certificate: `${base}.crt`, chain: `${base}.chain.crt` }
}

/** `alice.csr` is answered by `alice.crt` and `alice.chain.crt`. */
function outputsFor(file: string, out: string | undefined): SignedClient['files'] {
  const base = basename(file).replace(/\.(?:csr|req|p10|pem|der)$/i, '')
  const folder = out ?? dirname(file)
  return { certificate: join(folder, `${base}.crt`), chain: join(folder, `${base}.chain.crt`) }
}

function occupied(path: string): XmppkiError {
  return new XmppkiError('EXISTS', `${path} is already there`, {
    hint: 'nothing was signed; choose another folder with --out, or move the file away',
  })
}

/** What fails here is not lost: the certificate is in the workspace. */
function writeNewOutputs(
  work: Work,
  { directory }: IssuedRecord,
  texts: Record<keyof SignedClient['files'], string>,
): void {
  try {
    writeOutputs(work, texts)
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    throw new XmppkiError(error.code, error.message, {
      hint: `the certificate is signed and kept in ${directory}; to write it out, run it again with --if-missing`,
      cause: error,
    })
  }
}

/** Writes what is missing: an earlier run may have been cut off between the workspace and here. */
function writeOutputs({ outputs }: Work, texts: Record<keyof SignedClient['files'], string>): void {
  for (const key of ['certificate', 'chain'] as const) {
    const path = outputs[key]
    if (readTextIfAny(path) === texts[key]) continue
    if (exists(path)) throw occupied(path)
    makePrivateFolder(dirname(path))
    createFile(dirname(path), { name: basename(path), content: texts[key], mode: PUBLIC_FILE })
  }
  syncFolder(dirname(outputs.certificate))
}

function acceptExisting(workspace: Workspace, work: Work, record: IssuedRecord): SignedClient {
  const name = work.device === '' ? record.name : `${record.name} (${work.device})`
  const names = fileNames(work.approved.jid)
  const certificate = readTextIfAny(join(record.directory, names.certificate))
  const chain = readTextIfAny(join(record.directory, names.chain))
  if (!work.ifMissing || certificate === undefined || chain === undefined || !certifies(certificate, work.csr)) {
    const key = work.ifMissing ? ' for another key' : ''
    throw new XmppkiError('EXISTS', `${name} already has a certificate${key} in ${record.directory}`, {
      hint: '--renew supersedes it, --device LABEL makes one for another device; --if-missing accepts one for the same key',
    })
  }
  warnAboutExpired(workspace, record, work.now, '--renew, without --if-missing, gets a new one')
  writeOutputs(work, { certificate, chain })
  return describe(work, record, false)
}

function certifies(certificate: string, { publicKey }: CertificateRequest): boolean {
  try {
    return isSamePublicKey(new X509Certificate(certificate).publicKey, publicKey)
  } catch {
    // Whatever lies there, it is not the certificate of this key.
    return false
  }
}

function describe(work: Work, record: IssuedRecord, created: boolean): SignedClient {
  const { serial, fingerprint, device, name, directory } = record
  return {
    request: work.file,
    jid: name,
    device,
    serial,
    fingerprint,
    notAfter: new Date(record.notAfter),
    files: work.outputs,
    directory,
    notCopied: work.approved.notCopied,
    created,
  }
}
