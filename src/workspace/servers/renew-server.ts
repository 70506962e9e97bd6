import { XmppkiError } from '../../errors.ts'
import { decodePem } from '../../pki/der/pem.ts'
import { type KeyAlgorithm, keyTypeOf } from '../../pki/keys/algorithms.ts'
import { generateKeyPair, type KeyPair } from '../../pki/keys/keys.ts'
import { openCertificate, readCertificate } from '../../pki/x509/certificate.ts'
import { certificateId, isSameCertificate } from '../../store/certificate-id.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { type CaBatch, forEachWithCa } from '../base/ca-batch.ts'
import { findCurrent, findSettled, toRecord } from '../base/current.ts'
import { install } from '../base/install.ts'
import { archiveOf } from '../base/installation.ts'
import { type FoundFile, matchingKey } from '../base/matching-key.ts'
import { endsWithin, type Period } from '../base/period.ts'
import { SERVER_FILES, type ServerFiles, serverFilesIn } from '../base/server-credentials.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { readTextIfAny } from '../disk/files.ts'
import { makeServer } from './issue-server.ts'

export interface ServerRenewalRequest {
  readonly days: number
  /** A new key; otherwise the key stays and only the certificate changes. */
  readonly rekey: boolean
  /** Type of a new key; undefined: that of the old one. */
  readonly algorithm?: KeyAlgorithm
  /** Renews only what ends within this period; undefined: at once. */
  readonly due?: Period
  readonly issuer: IssuerSource
  readonly now?: Date
}

export interface RenewedServer {
  /** Every domain that the certificate names, the primary one first. */
  readonly domains: readonly string[]
  /** False when it is not yet due. */
  readonly renewed: boolean
  /** Of the certificate that is in use now. */
  readonly serial: string
  readonly notAfter: Date
  readonly directory: string
  readonly files: ServerFiles
  readonly previous?: {
    readonly serial: string
    readonly notAfter: Date
    /** Where its files are now. */
    readonly directory: string
  }
}

/** The primary domains of all server certificates that are in use, expired ones too: a server goes on using them. */
export function renewableServers(workspace: Workspace): string[] {
  const names = workspace
    .ledger()
    .list('server')
    .map(({ name }) => name)
  return [...new Set(names)].filter((name) => findSettled(workspace, holderOf(name)) !== undefined).toSorted()
}

/**
 * Renews one after the other; one that fails does not stop the others. The CA is unlocked only when one is due.
 * @throws {XmppkiError} what `issuer` throws
 */
export function renewServers(
  workspace: Workspace,
  domains: readonly string[],
  request: ServerRenewalRequest,
): Promise<CaBatch<string, RenewedServer>> {
  return forEachWithCa(domains, request.issuer, (domain, issuer) =>
    renewServer(workspace, domain, { ...request, issuer }),
  )
}

/**
 * Replaces the server certificate that names the domain by one for the same domains. The new files take the place of the
 * old ones, which move to a folder beside with `~` and the start of the old serial number behind the name; the old
 * certificate stays valid until it expires.
 * @throws {XmppkiError} NOT_FOUND without a certificate; EXISTS when another process was faster; BAD_INPUT, IO, CORRUPT;
 * what `issuer` throws
 */
async function renewServer(
  workspace: Workspace,
  domain: string,
  request: ServerRenewalRequest,
): Promise<RenewedServer> {
  const now = request.now ?? new Date()
  const old = findNaming(workspace, domain)
  if (request.due !== undefined && !endsWithin(request.due, old, now.getTime())) return describe(old, false)
  const { days, issuer } = request
  // Before the passphrase of the CA is asked for.
  const oldCertificate = readCertificateOf(old)
  const oldKeys = request.rekey ? undefined : readKeyOf(old, oldCertificate)
  const takeKeys = async () => oldKeys ?? newKeys(oldCertificate, request.algorithm)
  const { certificate, files } = await makeServer({ domains: old.domains, days, issuer }, now, takeKeys)
  const { domains, directory } = old
  const holder = holderOf(old.name)
  const record = toRecord(certificate, { ...holder, domains, directory, now })
  const archive = archiveOf(old)
  const installation = {
    record,
    files,
    certificateFile: SERVER_FILES.certificate,
    replaces: { ...certificateId(old), archive },
    event: 'renewed' as const,
  }
  const isStillCurrent = () => isSameCertificate(findCurrent(workspace, holder), old)
  if (!install(workspace.ledger(), workspace.paths.temporary, installation, isStillCurrent)) throw overtaken(old)
  const previous = { serial: old.serial, notAfter: new Date(old.notAfter), directory: archive }
  return { ...describe(record, true), previous }
}

function holderOf(name: string) {
  return { kind: 'server', name, device: '' } as const
}

/** The certificate whose primary domain it is, else the newest that names it beside others. */
function findNaming(workspace: Workspace, domain: string): IssuedRecord {
  const own = findSettled(workspace, holderOf(domain))
  if (own !== undefined) return own
  const others = workspace
    .ledger()
    .list('server')
    .filter(({ domains }) => domains.includes(domain))
  const current = others.findLast((record) => isSameCertificate(findCurrent(workspace, holderOf(record.name)), record))
  if (current !== undefined) return current
  throw new XmppkiError('NOT_FOUND', `${domain} has no server certificate here that is not revoked`, {
    hint: `make one with: xmppki server issue ${domain}`,
  })
}

const RESTORE = 'restore it from a backup'

function readCertificateOf({ directory, fingerprint, serial }: IssuedRecord): FoundFile<Uint8Array> {
  const { certificate: path } = serverFilesIn(directory)
  const pem = readTextIfAny(path)
  const content = pem === undefined ? undefined : decodePem(pem, 'CERTIFICATE', path)
  if (content !== undefined && readCertificate(content, path).fingerprint === fingerprint) return { path, content }
  const what = content === undefined ? 'is missing' : `is not the certificate with serial ${serial} of the ledger`
  throw new XmppkiError('CORRUPT', `${path} ${what}`, { hint: RESTORE })
}

function readKeyOf({ directory }: IssuedRecord, certificate: FoundFile<Uint8Array>): KeyPair {
  const { key: path } = serverFilesIn(directory)
  const content = readTextIfAny(path)
  if (content !== undefined) return matchingKey({ path, content }, certificate)
  throw new XmppkiError('CORRUPT', `${path} is missing`, { hint: `${RESTORE}; --rekey makes a new one` })
}

function newKeys({ content }: FoundFile<Uint8Array>, algorithm: KeyAlgorithm | undefined): Promise<KeyPair> {
  return generateKeyPair(algorithm ?? keyTypeOf(openCertificate(content).publicKey))
}

function describe({ domains, serial, notAfter, directory }: IssuedRecord, renewed: boolean): RenewedServer {
  return { domains, renewed, serial, notAfter: new Date(notAfter), directory, files: serverFilesIn(directory) }
}

function overtaken({ name }: IssuedRecord): XmppkiError {
  return new XmppkiError('EXISTS', `another process has just renewed or revoked the server certificate of ${name}`, {
    hint: 'nothing was changed; look into the audit log with: xmppki ca audit',
  })
}
