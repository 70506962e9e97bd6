import { readFileSync } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { readCertificate } from '../pki/certificate.ts'
import { decodePemAll } from '../pki/pem.ts'
import { REVOCATION_REASONS, type RevocationReason } from '../pki/revocation-reason.ts'
import { parseSerialNumber } from '../pki/serial-number.ts'
import type { IssuedRecord, Ledger } from '../store/ledger.ts'
import type { Jid } from '../xmpp/jid.ts'
import { revokeAudited } from './audit-events.ts'
import { type CertificateNumber, clientWith } from './certificate-number.ts'
import { withIo } from './files.ts'
import { type CrlRun, publishCrls } from './publish-crl.ts'
import { type RevokedEnrolment, revokeEnrolments } from './revoke-enrolments.ts'
import type { IssuerSource, Workspace } from './workspace.ts'

/** Which certificates are meant. */
export type RevocationTarget =
  | { readonly jids: readonly Jid[]; readonly device: string; readonly allDevices: boolean }
  | CertificateNumber
  /** Path of a file with the certificate, PEM or DER. */
  | { readonly file: string }

export interface RevocationRequest {
  readonly target: RevocationTarget
  readonly reason: RevocationReason
  /** How long the CRL is good for. */
  readonly crlDays: number
  readonly issuer: IssuerSource
  readonly now?: Date
}

export interface RevokedClient {
  readonly jid: string
  readonly device: string
  readonly serial: string
  readonly notAfter: Date
  readonly revokedAt: Date
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly reason: string
  /** True when it was revoked before; then date and reason are those of the first time. */
  readonly alreadyRevoked: boolean
}

export interface RevocationResult extends Pick<CrlRun<unknown>, 'crls' | 'unsigned'> {
  readonly revoked: readonly RevokedClient[]
  /** What the users had enrolled themselves (XEP-0257) and was revoked with all their devices. */
  readonly enrolled: readonly RevokedEnrolment[]
}

/**
 * Revokes client certificates, all or none, and writes the CRLs of the CAs that issued them, as far as their keys can be
 * used: nobody who is to be locked out waits for a key or a passphrase to be fetched. By name: every certificate of the user and device that
 * has not expired; with all devices also what the user has enrolled (XEP-0257). What is revoked already stays as it is, and the CRL is written all the same: a run that was killed
 * between ledger and CRL is mended by the next one.
 * @throws {XmppkiError} NOT_FOUND when there is no such certificate, BAD_INPUT for one that is no client's, IO,
 * CORRUPT
 */
export async function revokeClients(workspace: Workspace, request: RevocationRequest): Promise<RevocationResult> {
  const now = request.now ?? new Date()
  const select = selector(request.target, now)
  // Before the passphrase is asked for; again under the lock, where it counts.
  const of = select(workspace.ledger())
  const list = { of, issuer: request.issuer, days: request.crlDays, now }
  const { changed, ...run } = await publishCrls(workspace, list, (changes) => {
    const ledger = workspace.ledger()
    const revoked = select(ledger).map((record) => {
      const after = revokeAudited(ledger, changes, record, { at: now.getTime(), reason: request.reason })
      return describe(after ?? record, record.revokedAt !== undefined)
    })
    // Whoever takes all devices from a user means these as well, however long ago the certificate that enrolled them ended.
    const left = 'jids' in request.target && request.target.allDevices ? request.target.jids.map(String) : []
    return { revoked, enrolled: left.flatMap((jid) => revokeEnrolments(ledger, changes, jid, now.getTime())) }
  })
  warnAboutOtherDevices(workspace, request.target, now)
  return { ...run, ...changed }
}

/** A serial number as openssl, browsers and people write it, as the ledger has it. @throws {XmppkiError} BAD_INPUT */
export function parseSerial(text: string): string {
  const serial = parseSerialNumber(text)
  if (serial !== undefined) return serial
  throw new XmppkiError('BAD_INPUT', `'${text}' is not a serial number`, {
    hint: 'write it in hexadecimal, with or without colons; xmppki client list shows them',
  })
}

/** The name of a reason (RFC 5280 §5.3.1), in any case. @throws {XmppkiError} BAD_INPUT */
export function parseReason(text: string): RevocationReason {
  const reason = REVOCATION_REASONS.find((name) => name.toLowerCase() === text.toLowerCase())
  if (reason !== undefined) return reason
  throw new XmppkiError('BAD_INPUT', `'${text}' is no reason to revoke for`, {
    hint: `use one of: ${REVOCATION_REASONS.join(', ')}`,
    spec: 'RFC 5280 §5.3.1',
  })
}

type Selector = (ledger: Ledger) => IssuedRecord[]

function selector(target: RevocationTarget, now: Date): Selector {
  if ('serial' in target) return (ledger) => [clientOf(clientWith(target, ledger), `serial ${target.serial}`)]
  if ('file' in target) {
    const { serial, fingerprint } = readCertificate(readCertificateFile(target.file), target.file)
    return (ledger) => {
      const record = ledger.listBySerial(serial).find((candidate) => candidate.fingerprint === fingerprint)
      return [clientOf(record, target.file)]
    }
  }
  return (ledger) => {
    const records = ledger.list('client')
    const hasOthers = (jid: string) => target.allDevices && ledger.enrolments.list(jid).length > 0
    return target.jids
      .map(String)
      .flatMap((jid) => unexpired(records, jid, { ...target, hasOthers: hasOthers(jid) }, now))
  }
}

function clientOf(record: IssuedRecord | undefined, what: string): IssuedRecord {
  if (record === undefined) {
    throw new XmppkiError('NOT_FOUND', `${what}: this CA has not issued such a certificate`, {
      hint: 'see what it has with: xmppki client list',
    })
  }
  if (record.kind === 'client') return record
  throw new XmppkiError(
    'BAD_INPUT',
    `${what} is not the certificate of a client but of the ${record.kind} ${record.name}`,
  )
}

function unexpired(
  records: readonly IssuedRecord[],
  jid: string,
  request: { readonly device: string; readonly allDevices: boolean; readonly hasOthers: boolean },
  now: Date,
): IssuedRecord[] {
  const { device, allDevices, hasOthers } = request
  const usable = records.filter(({ name, notAfter }) => name === jid && notAfter >= now.getTime())
  const meant = usable.filter((record) => allDevices || record.device === device)
  if (meant.length > 0 || hasOthers) return meant
  const what = device === '' ? jid : `${jid} (${device})`
  const others = usable.map((record) => record.device || 'the main one')
  throw new XmppkiError('NOT_FOUND', `${what} has no certificate that could be revoked`, {
    hint:
      others.length === 0
        ? 'nothing was revoked; expired ones are taken by --serial, and listed by: xmppki client list'
        : `nothing was revoked; there are devices: ${[...new Set(others)].join(', ')} (--device LABEL, --all-devices)`,
  })
}

/** Whoever locks a user out by name may not know of the phone. */
function warnAboutOtherDevices(workspace: Workspace, target: RevocationTarget, now: Date): void {
  if (!('jids' in target)) return
  const names = new Set(target.jids.map(String))
  for (const name of names) {
    const labels = workspace
      .ledger()
      .enrolments.list(name)
      .map(({ label }) => label)
    if (labels.length === 0) continue
    workspace.warn(
      `${name} has enrolled certificates (XEP-0257): ${labels.join(', ')}; --all-devices revokes them as well`,
    )
  }
  const left = workspace
    .ledger()
    .list('client')
    .filter(({ name, revokedAt, notAfter }) => names.has(name) && revokedAt === undefined && notAfter >= now.getTime())
  for (const name of new Set(left.map((record) => record.name))) {
    const devices = new Set(left.filter((record) => record.name === name).map(({ device }) => device || 'the main one'))
    workspace.warn(`${name} can still log in from other devices: ${[...devices].join(', ')}; --all-devices revokes all`)
  }
}

/** The first certificate of the file: in chains the one of the holder comes first (RFC 8446 §4.4.2). */
function readCertificateFile(path: string): Uint8Array {
  const content = withIo(`read ${path}`, () => readFileSync(path))
  if (!content.includes('-----BEGIN ')) return content
  const [first] = decodePemAll(content.toString('latin1'), 'CERTIFICATE', path)
  return first ?? content
}

function describe(record: IssuedRecord, alreadyRevoked: boolean): RevokedClient {
  const { name, device, serial, notAfter, revokedAt, revocationReason } = record
  return {
    jid: name,
    device,
    serial,
    notAfter: new Date(notAfter),
    revokedAt: new Date(revokedAt ?? 0),
    reason: revocationReason ?? 'unspecified',
    alreadyRevoked,
  }
}
