import { join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { createCsr } from '../../pki/csr/csr.ts'
import { type IssuedCertificate, prepareClient, sign } from '../../pki/issue/issue.ts'
import type { Issuer } from '../../pki/issue/issuer.ts'
import { clientProfile } from '../../pki/issue/profiles.ts'
import { issuedValidity } from '../../pki/issue/validity.ts'
import type { KeyAlgorithm } from '../../pki/keys/algorithms.ts'
import { encodePrivateKey, generateKeyPair, type KeyPair } from '../../pki/keys/keys.ts'
import { encodePkcs12 } from '../../pki/pkcs12/pkcs12.ts'
import type { AccountName } from '../../pki/x509/names.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { checkConstraints } from '../base/check-constraints.ts'
import { expiryOf, findCurrent, hasExpired, toRecord, warnAboutExpired, warnAboutSuperseded } from '../base/current.ts'
import { install, type WantedInstallation } from '../base/install.ts'
import { generatePassword } from '../base/password.ts'
import { clientFolderName } from '../base/paths.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { exists, type NewFile, PUBLIC_FILE, SECRET_FILE } from '../disk/files.ts'
import { roomFor } from './archive-revoked.ts'
import { type Client, type ClientFiles, fileNamesOf, holderOf } from './client-folder.ts'

export interface ClientRequest extends Client {
  readonly days: number
  readonly algorithm: KeyAlgorithm
  readonly p12Format: 'modern' | 'compat'
  /** Undefined: one is generated and written beside the bundle. */
  readonly p12Password?: string
  /** Absolute path of the folder that gets the user's folder; undefined: the workspace. */
  readonly out?: string
  readonly ifMissing: boolean
  /** Further files for the user's folder, which appear with the others; asked once the certificate is made. */
  readonly enclose?: (client: IssuedClient) => readonly NewFile[]
  readonly issuer: IssuerSource
  readonly now?: Date
}

type MakeRequest = Omit<ClientRequest, 'algorithm' | 'out' | 'ifMissing' | 'enclose' | 'now'>

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

/** A client whose files are made but not yet installed. */
export interface PendingClient extends WantedInstallation {
  /** How it ended, once it was installed or not wanted. @throws {XmppkiError} EXISTS */
  readonly settle: () => IssuedClient
}

/**
 * Makes key, CSR, certificate and PKCS#12 bundle for one user, all or nothing.
 * @throws {XmppkiError} EXISTS when the user has a certificate and `ifMissing` is not set, BAD_NAME, BAD_INPUT,
 * PASSPHRASE, IO, CORRUPT; what `issuer` throws
 */
export async function issueClient(workspace: Workspace, request: ClientRequest): Promise<IssuedClient> {
  const begun = await beginIssuing(workspace, request)
  if (!('installation' in begun)) return begun
  install(workspace.ledger(), workspace.paths.temporary, begun.installation, begun.wanted)
  return begun.settle()
}

/**
 * The first half of {@link issueClient}: nothing is written yet.
 * @returns what is there already, or what is to be installed
 * @throws {XmppkiError} as `issueClient`
 */
export async function beginIssuing(
  workspace: Workspace,
  request: ClientRequest,
): Promise<IssuedClient | PendingClient> {
  const now = request.now ?? new Date()
  const holder = holderOf(request)
  const existing = findCurrent(workspace, holder)
  if (existing !== undefined) return acceptExisting(workspace, request, existing, now)
  warnAboutSuperseded(workspace, holder, now)
  const newKeys = () => generateKeyPair(request.algorithm)
  const { certificate, files, generatedPassword } = await makeClient(request, now, newKeys)
  const record = toRecord(certificate, {
    ...holder,
    domains: [],
    directory: directoryOf(workspace, request),
    now,
  })
  const password = generatedPassword === undefined ? {} : { generatedPassword }
  const issued = (): IssuedClient => ({ ...describe(record, request), created: true, ...password })
  const replaces = roomFor(workspace, record, request)
  const installation = {
    record,
    files: [...files, ...(request.enclose?.(issued()) ?? [])],
    certificateFile: fileNamesOf(request).certificate,
    ...(replaces === undefined ? {} : { replaces }),
  }
  let winner: IssuedRecord | undefined
  return {
    installation,
    wanted: () => {
      winner = findCurrent(workspace, holder)
      return winner === undefined
    },
    settle: () => (winner === undefined ? issued() : acceptExisting(workspace, request, winner, now)),
  }
}

/** Certificate and files that are not yet written. */
interface MadeClient {
  readonly certificate: IssuedCertificate
  readonly files: readonly NewFile[]
  readonly generatedPassword: string | undefined
}

/**
 * Signs a certificate and makes the content of the user's folder.
 * @param takeKeys called once the CA is at hand
 * @throws {XmppkiError} BAD_NAME, BAD_INPUT, PASSPHRASE; what `issuer` and `takeKeys` throw
 */
export async function makeClient(
  request: MakeRequest,
  now: Date,
  takeKeys: () => Promise<KeyPair>,
): Promise<MadeClient> {
  const { days } = request
  const account = accountOf(request.jid)
  const issuer = await request.issuer()
  const keys = await takeKeys()
  const prepared = prepareClient({
    jid: account,
    publicKey: keys.publicKey,
    days,
    now,
    issuer,
    caUrls: issuer.caUrls,
  })
  const certificate = await sign(prepared, issuer.key, (unsigned) => checkConstraints(unsigned, issuer, account))
  const generatedPassword = request.p12Password === undefined ? generatePassword() : undefined
  const p12 = await makeBundle(request, {
    keys,
    chain: issuer.chain,
    certificate,
    password: request.p12Password ?? generatedPassword,
    isRandomPassword: request.p12Password === undefined,
  })
  const names = fileNamesOf(request)
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
  readonly chain: readonly string[]
  readonly certificate: IssuedCertificate
  readonly password: string | undefined
  readonly isRandomPassword: boolean
}

function makeBundle(request: MakeRequest, parts: BundleParts): Promise<Buffer> {
  const name = request.jid.toString()
  return encodePkcs12({
    key: parts.keys.privateKey,
    certificate: parts.certificate.der,
    chain: parts.chain,
    friendlyName: request.device === '' ? name : `${name} (${request.device})`,
    password: parts.password ?? '',
    isRandomPassword: parts.isRandomPassword,
    format: request.p12Format,
  })
}

function acceptExisting(workspace: Workspace, request: ClientRequest, record: IssuedRecord, now: Date): IssuedClient {
  const isMain = request.device === ''
  const remedy = `get a new one with: xmppki client renew ${record.name}${isMain ? '' : ` --device ${request.device}`}`
  if (!request.ifMissing) {
    const isExpired = hasExpired(record, now)
    const name = isMain ? record.name : `${record.name} (${request.device})`
    const what = isExpired ? `a certificate, which ${expiryOf(record)},` : 'a certificate'
    throw new XmppkiError('EXISTS', `${name} already has ${what} in ${record.directory}`, {
      hint: isExpired
        ? remedy
        : '--if-missing accepts it, --device LABEL makes one for another device of the same user',
    })
  }
  warnAboutExpired(workspace, record, now, remedy)
  const found = describe(record, request)
  if (!exists(found.files.key)) {
    workspace.warn(`${record.name} has a certificate, but its key is not in ${record.directory}: there is no bundle`)
  }
  return found
}

function accountOf(jid: Jid): AccountName {
  if (jid.local !== undefined && jid.isBare) return { local: jid.local, domain: jid.domain, bare: jid.toString() }
  throw new XmppkiError('BAD_NAME', `'${jid}' is not the bare JID of a user`, {
    hint: 'write it as user@domain',
  })
}

function directoryOf(workspace: Workspace, { jid, device, out }: ClientRequest): string {
  return join(out ?? workspace.paths.clients(jid.domain), clientFolderName(jid.local ?? '', device))
}

function describe(record: IssuedRecord, client: Client): IssuedClient {
  const { directory, serial, fingerprint, device, name } = record
  const names = fileNamesOf(client)
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
