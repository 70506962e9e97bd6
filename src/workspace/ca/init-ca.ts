import { XmppkiError } from '../../errors.ts'
import { type IssuedCertificate, prepareRoot, sign } from '../../pki/issue/issue.ts'
import type { KeyAlgorithm } from '../../pki/keys/algorithms.ts'
import { encodePrivateKey, generateKeyPair } from '../../pki/keys/keys.ts'
import { type SigningKey, softwareKey } from '../../pki/keys/signature.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import { keyFileOf } from '../base/authority.ts'
import { obtainTokenKey, type TokenRequest, tokenFileText } from '../base/ca-token.ts'
import { toRecord } from '../base/current.ts'
import { checkDefaultDomain } from '../base/default-domain.ts'
import { install } from '../base/install.ts'
import { writeSettings } from '../base/settings.ts'
import type { Workspace } from '../base/workspace.ts'
import { type NewFile, PUBLIC_FILE, SECRET_FILE } from '../disk/files.ts'

export interface RootRequest {
  readonly commonName: string
  readonly organization?: string
  /** Of a new key. */
  readonly algorithm: KeyAlgorithm
  readonly days: number
  /** Name constraints: the only domains this CA may issue for; empty for no constraints. */
  readonly permitDomains: readonly string[]
  /** The default XMPP domain of the workspace. */
  readonly domain: string
  /** Asked once it is clear that a key will be made; undefined leaves the key unencrypted. */
  readonly passphrase: () => Promise<string | undefined>
  /** The key is made or found there instead, and `passphrase` not asked. */
  readonly token?: TokenRequest
  readonly ifMissing: boolean
  readonly now?: Date
}

export interface RootResult {
  /** False when the CA was there before and `ifMissing` was set. */
  readonly created: boolean
  readonly subject: string
  readonly serial: string
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  readonly notAfter: Date
  /** The default XMPP domain of the workspace. */
  readonly domain: string
  /** `key`: the key file, or the file that says in which token the key is. */
  readonly files: { readonly key: string; readonly certificate: string }
}

/**
 * Makes the root key and its self-signed certificate.
 * @throws {XmppkiError} EXISTS when there is a CA and `ifMissing` is not set, BAD_NAME for a domain that it could not issue
 * for, PASSPHRASE, BAD_INPUT, IO; with a token also as `obtainTokenKey`
 */
export async function initCa(workspace: Workspace, request: RootRequest): Promise<RootResult> {
  if (workspace.hasCa) return existingCa(workspace, request.ifMissing)
  const { commonName, organization, days, permitDomains, domain } = request
  checkDefaultDomain(domain, permitDomains.length === 0 ? undefined : permitDomains, 'the new CA')
  const { key, file } = await obtainKey(request)
  const now = request.now ?? new Date()
  const subject = organization === undefined ? { commonName } : { commonName, organization }
  const certificate = await sign(prepareRoot({ ...subject, keys: key, days, permitDomains, now }), key)
  return installRoot(workspace, request, { certificate, file, now })
}

interface ObtainedKey {
  readonly key: SigningKey
  /** What stays of it on the disk. */
  readonly file: NewFile
}

async function obtainKey({ token, algorithm, passphrase }: RootRequest): Promise<ObtainedKey> {
  if (token !== undefined) {
    const made = await obtainTokenKey(token, algorithm)
    const content = tokenFileText(token.module, made)
    return { key: made.key, file: { name: 'root.pkcs11.json', content, mode: SECRET_FILE } }
  }
  const secret = await passphrase()
  const { privateKey } = await generateKeyPair(algorithm)
  const content = await encodePrivateKey(privateKey, secret)
  return { key: softwareKey(privateKey), file: { name: 'root.key', content, mode: SECRET_FILE } }
}

interface MadeRoot {
  readonly certificate: IssuedCertificate
  readonly file: NewFile
  readonly now: Date
}

function installRoot(workspace: Workspace, request: RootRequest, root: MadeRoot): RootResult {
  const { paths } = workspace
  const files: NewFile[] = [root.file, { name: 'root.crt', content: root.certificate.pem, mode: PUBLIC_FILE }]
  const holder = {
    kind: 'root',
    name: request.commonName,
    device: '',
  } as const
  const record = toRecord(root.certificate, {
    ...holder,
    domains: [],
    directory: paths.ca,
    now: root.now,
  })
  const installation = { record, files, certificateFile: 'root.crt' }
  const installed = install(workspace.ledger(), paths.temporary, installation, () => {
    if (workspace.hasCa) return false
    // Under the lock, so that the settings are those of the process whose CA it becomes.
    writeSettings(paths.settings, request)
    return true
  })
  return installed ? describeCa(workspace, true) : existingCa(workspace, request.ifMissing)
}

function existingCa(workspace: Workspace, ifMissing: boolean): RootResult {
  if (ifMissing) return describeCa(workspace, false)
  throw new XmppkiError('EXISTS', `there is already a CA in ${workspace.paths.home}`, {
    hint: 'nothing was changed; --if-missing accepts the CA that is there, --home makes another one elsewhere',
  })
}

function describeCa(workspace: Workspace, created: boolean): RootResult {
  const { settings } = workspace
  const root = workspace.root()
  const facts = readCertificate(root.der)
  const { subject, serial, fingerprint, notAfter } = facts
  return {
    created,
    subject,
    serial,
    fingerprint,
    notAfter,
    domain: settings.domain,
    files: { key: keyFileOf(root.files), certificate: root.files.certificate },
  }
}
