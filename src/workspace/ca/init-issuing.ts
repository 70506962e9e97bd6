import { XmppkiError } from '../../errors.ts'
import { prepareIssuingCa, sign } from '../../pki/issue/issue.ts'
import type { KeyAlgorithm } from '../../pki/keys/algorithms.ts'
import { encodePrivateKey, generateKeyPair } from '../../pki/keys/keys.ts'
import { type Authority, keyFileOf, readAuthority } from '../base/authority.ts'
import { toRecord } from '../base/current.ts'
import { install } from '../base/install.ts'
import { archiveOf } from '../base/installation.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { type NewFile, PUBLIC_FILE, SECRET_FILE } from '../disk/files.ts'

export interface IssuingRequest {
  readonly commonName: string
  readonly organization?: string
  readonly algorithm: KeyAlgorithm
  readonly days: number
  /** Unlocks the root. */
  readonly issuer: IssuerSource
  /** Of the new key; asked once the root is unlocked; undefined leaves it unencrypted. */
  readonly passphrase: () => Promise<string | undefined>
  readonly ifMissing: boolean
  /** Makes a successor; what the present one has issued stays valid, and it still signs its CRL. */
  readonly replace: boolean
  readonly now?: Date
}

export interface IssuingResult {
  /** False when there was one before and `ifMissing` was set. */
  readonly created: boolean
  readonly subject: string
  readonly serial: string
  readonly notAfter: Date
  /** Absolute paths. */
  readonly files: { readonly key: string; readonly certificate: string }
  /** Where the key of the root is: from now on only CRLs of the root and the next issuing CA need it. */
  readonly rootKey: string
  /** Where the predecessor is now. */
  readonly previous?: { readonly serial: string; readonly directory: string }
}

/**
 * Makes an intermediate CA below the root; from then on it signs whatever is issued. One that was revoked makes room.
 * @throws {XmppkiError} EXISTS when there is one and neither `ifMissing` nor `replace` is set, NOT_FOUND without the key of
 * the root, BAD_NAME, BAD_INPUT when it would outlive the root or the root may not have CAs below it, PASSPHRASE, IO
 */
export async function initIssuing(workspace: Workspace, request: IssuingRequest): Promise<IssuingResult> {
  const root = workspace.root()
  const present = presentOf(workspace)
  if (present !== undefined && !request.replace && !isRevoked(workspace, present)) {
    return acceptPresent(root, present, request.ifMissing)
  }
  const { commonName, organization, algorithm, days, now = new Date() } = request
  const issuer = await request.issuer(root)
  const keys = await generateKeyPair(algorithm)
  const { publicKey } = keys
  const subject = organization === undefined ? { commonName } : { commonName, organization }
  const prepared = prepareIssuingCa({ ...subject, publicKey, days, now, issuer, caUrls: issuer.caUrls })
  const certificate = await sign(prepared, issuer.key)
  const files: NewFile[] = [
    {
      name: 'issuing.key',
      content: await encodePrivateKey(keys.privateKey, await request.passphrase()),
      mode: SECRET_FILE,
    },
    { name: 'issuing.crt', content: certificate.pem, mode: PUBLIC_FILE },
  ]
  const directory = workspace.paths.issuing
  const about = { kind: 'issuing', name: commonName, device: '', domains: [], directory, now } as const
  const replaces = present && {
    ...workspace.certificateOf(present),
    archive: archiveOf({ directory, serial: present.serial }),
  }
  const installation = {
    record: toRecord(certificate, about),
    files,
    certificateFile: 'issuing.crt',
    ...(replaces && { replaces }),
  }
  const isStillPresent = () => presentOf(workspace)?.fingerprint === present?.fingerprint
  if (!install(workspace.ledger(), workspace.paths.temporary, installation, isStillPresent)) throw overtaken(workspace)
  const made = workspace.authority()
  return {
    ...describe(root, made, true),
    ...(replaces && { previous: { serial: replaces.serial, directory: replaces.archive } }),
  }
}

function presentOf(workspace: Workspace): Authority | undefined {
  return readAuthority(workspace.paths.issuing, 'issuing')
}

function isRevoked(workspace: Workspace, authority: Authority): boolean {
  return workspace.ledger().revokedAt(workspace.certificateOf(authority)) !== undefined
}

function acceptPresent(root: Authority, present: Authority, ifMissing: boolean): IssuingResult {
  if (ifMissing) return describe(root, present, false)
  throw new XmppkiError('EXISTS', `there is already an issuing CA: ${present.files.certificate}`, {
    hint: 'nothing was changed; --if-missing accepts it, --replace makes its successor',
  })
}

function overtaken({ paths }: Workspace): XmppkiError {
  return new XmppkiError('EXISTS', `another process has just made an issuing CA in ${paths.issuing}`, {
    hint: 'nothing was changed; --if-missing accepts it',
  })
}

function describe(root: Authority, { subject, serial, notAfter, files }: Authority, created: boolean): IssuingResult {
  const { key, certificate } = files
  return { created, subject, serial, notAfter, files: { key, certificate }, rootKey: keyFileOf(root.files) }
}
