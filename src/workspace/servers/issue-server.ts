import { XmppkiError } from '../../errors.ts'
import { type IssuedCertificate, prepareServer, sign } from '../../pki/issue/issue.ts'
import type { KeyAlgorithm } from '../../pki/keys/algorithms.ts'
import { encodePrivateKey, generateKeyPair, type KeyPair } from '../../pki/keys/keys.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { checkConstraints } from '../base/check-constraints.ts'
import { findCurrent, toRecord, warnAboutExpired, warnAboutSuperseded } from '../base/current.ts'
import { install } from '../base/install.ts'
import { SERVER_FILES, type ServerFiles, serverFilesIn } from '../base/server-credentials.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { type NewFile, PUBLIC_FILE, SECRET_FILE } from '../disk/files.ts'

export interface ServerRequest {
  /** Prepared domainparts (RFC 7622 §3.2); the first one names the folder. */
  readonly domains: readonly string[]
  readonly days: number
  readonly algorithm: KeyAlgorithm
  readonly ifMissing: boolean
  readonly issuer: IssuerSource
  readonly now?: Date
}

export interface IssuedServer {
  readonly domains: readonly string[]
  readonly serial: string
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  readonly notAfter: Date
  readonly directory: string
  /** Absolute paths. */
  readonly files: ServerFiles
  /** False when it was there before and `ifMissing` was set. */
  readonly created: boolean
}

/**
 * Makes one server certificate for all the domains, with its key, all or nothing.
 * @throws {XmppkiError} EXISTS when the primary domain has one and `ifMissing` is not set, BAD_NAME, BAD_INPUT, IO,
 * CORRUPT; what `issuer` throws
 */
export async function issueServer(workspace: Workspace, request: ServerRequest): Promise<IssuedServer> {
  const now = request.now ?? new Date()
  const holder = holderOf(request)
  const existing = findCurrent(workspace, holder)
  if (existing !== undefined) return acceptExisting(workspace, request, existing, now)
  const takeKeys = () => generateKeyPair(request.algorithm)
  const { certificate, files } = await makeServer(request, now, takeKeys, () => {
    warnAboutSuperseded(workspace, holder, now)
  })
  const directory = workspace.paths.server(holder.name)
  const record = toRecord(certificate, {
    ...holder,
    domains: request.domains,
    directory,
    now,
  })
  const installation = {
    record,
    files,
    certificateFile: SERVER_FILES.certificate,
  }
  let winner: IssuedRecord | undefined
  install(workspace.ledger(), workspace.paths.temporary, installation, () => {
    winner = findCurrent(workspace, holder)
    return winner === undefined
  })
  return winner === undefined ? describe(record, true) : acceptExisting(workspace, request, winner, now)
}

/** What a server certificate is made of. */
type ServerOrder = Pick<ServerRequest, 'domains' | 'days' | 'issuer'>

/**
 * Makes key and certificate, without publishing them.
 * @param takeKeys asked when the CA is unlocked
 * @param unlocked told then
 * @throws {XmppkiError} BAD_NAME, BAD_INPUT; what `issuer` and `takeKeys` throw
 */
export async function makeServer(
  { domains, days, issuer: source }: ServerOrder,
  now: Date,
  takeKeys: () => Promise<KeyPair>,
  unlocked: () => void = () => undefined,
): Promise<{ certificate: IssuedCertificate; files: NewFile[] }> {
  const issuer = await source()
  unlocked()
  const { publicKey, privateKey } = await takeKeys()
  const prepared = prepareServer({ domains, publicKey, days, now, issuer, caUrls: issuer.caUrls })
  const certificate = await sign(prepared, issuer.key, (unsigned) => checkConstraints(unsigned, issuer, undefined))
  const files: NewFile[] = [
    {
      name: SERVER_FILES.key,
      content: await encodePrivateKey(privateKey),
      mode: SECRET_FILE,
    },
    {
      name: SERVER_FILES.certificate,
      content: certificate.pem,
      mode: PUBLIC_FILE,
    },
    {
      name: SERVER_FILES.chain,
      content: [certificate.pem, ...issuer.chain].join(''),
      mode: PUBLIC_FILE,
    },
  ]
  return { certificate, files }
}

function holderOf({ domains: [primary] }: ServerRequest) {
  if (primary === undefined) throw new XmppkiError('BAD_NAME', 'a server certificate needs at least one domain')
  return { kind: 'server', name: primary, device: '' } as const
}

function acceptExisting(workspace: Workspace, request: ServerRequest, record: IssuedRecord, now: Date): IssuedServer {
  if (!request.ifMissing) {
    throw new XmppkiError('EXISTS', `${record.name} already has a server certificate in ${record.directory}`, {
      hint: `--if-missing accepts it; to replace it, run: xmppki server renew ${record.name}`,
    })
  }
  const missing = request.domains.filter((domain) => !record.domains.includes(domain))
  if (missing.length > 0) {
    throw new XmppkiError('EXISTS', `the certificate in ${record.directory} does not name ${missing.join(', ')}`, {
      hint: 'move that folder away, then run the same command again',
    })
  }
  warnAboutExpired(workspace, record, now, `run: xmppki server renew ${record.name}`)
  return describe(record, false)
}

function describe(record: IssuedRecord, created: boolean): IssuedServer {
  const { directory, domains, serial, fingerprint } = record
  return {
    domains,
    serial,
    fingerprint,
    notAfter: new Date(record.notAfter),
    directory,
    files: serverFilesIn(directory),
    created,
  }
}
