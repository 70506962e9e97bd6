import { join } from 'node:path'
import { XmppkiError } from '../errors.ts'
import type { KeyAlgorithm } from '../pki/algorithms.ts'
import { createCsr } from '../pki/csr.ts'
import { type IssuedCertificate, prepareClient, sign } from '../pki/issue.ts'
import type { Issuer } from '../pki/issuer.ts'
import { encodePrivateKey, generateKeyPair, type KeyPair } from '../pki/keys.ts'
import type { AccountName } from '../pki/names.ts'
import { encodePkcs12 } from '../pki/pkcs12.ts'
import { clientProfile, issuedValidity } from '../pki/profiles.ts'
import type { IssuedRecord } from '../store/ledger.ts'
import type { Jid } from '../xmpp/jid.ts'
import { findCurrent, toRecord, warnAboutExpired, warnAboutSuperseded } from './current.ts'
import { diskName } from './disk-name.ts'
import { exists, type NewFile, PUBLIC_FILE, SECRET_FILE } from './files.ts'
import { generatePassword } from './password.ts'
import { clientFolderName } from './paths.ts'
import { publish } from './publish.ts'
import type { IssuerSource, Workspace } from './workspace.ts'

/** Whom the certificate is for. */
export interface Client {
  /** A bare JID with a localpart. */
  readonly jid: Jid
  /** The empty string is the user's main device. */
  readonly device: string
}

export interface ClientRequest extends Client {
  readonly days: number
  readonly algorithm: KeyAlgorithm
  readonly p12Format: 'modern' | 'compat'
  /** Undefined: one is generated and written beside the bundle. */
  readonly p12Password?: string
  /** Absolute path of the folder that gets the user's folder; undefined: the workspace. */
  readonly out?: string
  readonly ifMissing: boolean
  readonly issuer: IssuerSource
  readonly now?: Date
}

/** Absolute paths. */
export interface ClientFiles {
  readonly key: string
  readonly csr: string
  readonly certificate: string
  readonly p12: string
  /** Only where the password was generated. */
  readonly p12Password?: string
}

export interface IssuedClient {
  readonly jid: string
  readonly device: string
  readonly serial: string
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  readonly notAfter: Date
  readonly directory: string
  readonly files: ClientFiles
  /** False when it was there before and `ifMissing` was set. */
  readonly created: boolean
  /** The generated password, to be shown once; undefined when it was given or nothing was created. */
  readonly generatedPassword?: string
}

/** The client's current certificate, if its files are there. @throws {XmppkiError} CORRUPT, IO */
export function findClient(workspace: Workspace, client: Client): IssuedClient | undefined {
  const record = findCurrent(workspace, holderOf(client))
  return record === undefined ? undefined : describe(record, client)
}

/**
 * Refuses what issuing for this client would refuse, before anything is written.
 * @throws {XmppkiError} BAD_NAME when the CA may not issue for the name, BAD_INPUT when the CA ends too early
 */
export function checkClient(client: Client, validity: { days: number; now: Date }, issuer: Issuer): void {
  clientProfile({ jid: accountOf(client.jid) }, issuer)
  issuedValidity(validity.days, validity.now, issuer)
}

/**
 * Makes key, CSR, certificate and PKCS#12 bundle for one user, all or nothing.
 * @throws {XmppkiError} EXISTS when the user has a certificate and `ifMissing` is not set, BAD_NAME, BAD_INPUT,
 * PASSPHRASE, IO, CORRUPT; what `issuer` throws
 */
export async function issueClient(workspace: Workspace, request: ClientRequest): Promise<IssuedClient> {
  const now = request.now ?? new Date()
  const holder = holderOf(request)
  const existing = findCurrent(workspace, holder)
  if (existing !== undefined) return acceptExisting(workspace, request, existing, now)
  const { certificate, files, generatedPassword } = await makeClient(workspace, request, now)
  const record = toRecord(certificate, {
    ...holder,
    domains: [],
    directory: directoryOf(workspace, request),
    now,
  })
  const publication = {
    record,
    files,
    certificateFile: fileNames(request).certificate,
  }
  let winner: IssuedRecord | undefined
  publish(workspace.ledger(), workspace.paths.temporary, publication, () => {
    winner = findCurrent(workspace, holder)
    return winner === undefined
  })
  if (winner !== undefined) return acceptExisting(workspace, request, winner, now)
  const issued = { ...describe(record, request), created: true }
  return generatedPassword === undefined ? issued : { ...issued, generatedPassword }
}

interface MadeClient {
  readonly certificate: IssuedCertificate
  readonly files: readonly NewFile[]
  readonly generatedPassword: string | undefined
}

async function makeClient(workspace: Workspace, request: ClientRequest, now: Date): Promise<MadeClient> {
  const { days, algorithm } = request
  const account = accountOf(request.jid)
  const issuer = await request.issuer()
  warnAboutSuperseded(workspace, holderOf(request), now)
  const keys = await generateKeyPair(algorithm)
  const prepared = prepareClient({
    jid: account,
    publicKey: keys.publicKey,
    days,
    now,
    issuer,
  })
  const certificate = await sign(prepared, issuer.key)
  const generatedPassword = request.p12Password === undefined ? generatePassword() : undefined
  const p12 = await makeBundle(workspace, request, {
    keys,
    certificate,
    password: request.p12Password ?? generatedPassword,
  })
  const names = fileNames(request)
  const files: NewFile[] = [
    {
      name: names.key,
      content: await encodePrivateKey(keys.privateKey),
      mode: SECRET_FILE,
    },
    {
      name: names.csr,
      content: await createCsr({ keys, jid: account }),
      mode: PUBLIC_FILE,
    },
    { name: names.certificate, content: certificate.pem, mode: PUBLIC_FILE },
    { name: names.p12, content: p12, mode: SECRET_FILE },
  ]
  if (generatedPassword !== undefined) {
    files.push({
      name: names.p12Password,
      content: `${generatedPassword}\n`,
      mode: SECRET_FILE,
    })
  }
  return { certificate, files, generatedPassword }
}

interface BundleParts {
  readonly keys: KeyPair
  readonly certificate: IssuedCertificate
  readonly password: string | undefined
}

function makeBundle(workspace: Workspace, request: ClientRequest, parts: BundleParts): Promise<Buffer> {
  const name = request.jid.toString()
  return encodePkcs12({
    key: parts.keys.privateKey,
    certificate: parts.certificate.der,
    chain: [workspace.rootCertificatePem()],
    friendlyName: request.device === '' ? name : `${name} (${request.device})`,
    password: parts.password ?? '',
    format: request.p12Format,
  })
}

function acceptExisting(workspace: Workspace, request: ClientRequest, record: IssuedRecord, now: Date): IssuedClient {
  if (!request.ifMissing) {
    const name = request.device === '' ? record.name : `${record.name} (${request.device})`
    throw new XmppkiError('EXISTS', `${name} already has a certificate in ${record.directory}`, {
      hint: '--if-missing accepts it, --device LABEL makes one for another device of the same user',
    })
  }
  warnAboutExpired(workspace, record, now)
  return describe(record, request)
}

function accountOf(jid: Jid): AccountName {
  if (jid.local !== undefined && jid.isBare) return { local: jid.local, domain: jid.domain, bare: jid.toString() }
  throw new XmppkiError('BAD_NAME', `'${jid}' is not the bare JID of a user`, {
    hint: 'write it as user@domain',
  })
}

function holderOf({ jid, device }: Client) {
  return { kind: 'client', name: jid.toString(), device } as const
}

function directoryOf(workspace: Workspace, { jid, device, out }: ClientRequest): string {
  return join(out ?? workspace.paths.clients(jid.domain), clientFolderName(jid.local ?? '', device))
}

/** The names of the files in a client's folder. */
function fileNames({ jid }: Client): Required<ClientFiles> {
  const base = diskName(jid.local ?? '')
  return {
    key: `${base}.key`,
    csr: `${base}.csr`,
    certificate: `${base}.crt`,
    p12: `${base}.p12`,
    p12Password: `${base}.p12.password`,
  }
}

function describe(record: IssuedRecord, client: Client): IssuedClient {
  const { directory, serial, fingerprint, device, name } = record
  const names = fileNames(client)
  const files: ClientFiles = {
    key: join(directory, names.key),
    csr: join(directory, names.csr),
    certificate: join(directory, names.certificate),
    p12: join(directory, names.p12),
  }
  const p12Password = join(directory, names.p12Password)
  const found = exists(p12Password) ? { ...files, p12Password } : files
  return {
    jid: name,
    device,
    serial,
    fingerprint,
    notAfter: new Date(record.notAfter),
    directory,
    files: found,
    created: false,
  }
}
