import { XmppkiError } from '../../errors.ts'
import { REVOCATION_REASONS, type RevocationReason } from '../../pki/revocation/revocation-reason.ts'
import type { IssuedRecord, LedgerChanges } from '../../store/ledger.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { revokeAudited } from '../base/audit-events.ts'
import type { CertificateNumber } from '../base/certificate-number.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import { type CrlRun, publishCrls } from '../ca/publish-crl.ts'
import type { DatabaseEnrolments } from './database-enrolments.ts'
import { type RevokedEnrolment, revokeEnrolments } from './revoke-enrolments.ts'
import { type Meant, meantByCertificate, meantByNumber, readFoundCertificate, takeUp } from './unknown-certificate.ts'

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
  /** Where it is kept what users have enrolled themselves; missing where the ledger has it. */
  readonly database?: DatabaseEnrolments | undefined
}

export interface RevokedClient {
  /** The empty string where it is not known whose it is. */
  readonly jid: string
  readonly device: string
  readonly serial: string
  readonly notAfter: Date
  readonly revokedAt: Date
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly reason: string
  /** True when it was revoked before; then date and reason are those of the first time. */
  readonly alreadyRevoked: boolean
  /** True when the ledger did not know it before. */
  readonly takenUp: boolean
}

export interface RevocationResult extends Pick<CrlRun<unknown>, 'crls' | 'unsigned'> {
  readonly revoked: readonly RevokedClient[]
  /** What the users had enrolled themselves (XEP-0257) and was revoked with all their devices. */
  readonly enrolled: readonly RevokedEnrolment[]
  /** Why what users have enrolled still counts; all else is done. */
  readonly unreached: XmppkiError | undefined
}

/**
 * Revokes client certificates, all or none, and writes the CRLs of the CAs that issued them, as far as their keys can be
 * used: nobody who is to be locked out waits for a key or a passphrase to be fetched. By name: every certificate of the
 * user and device that has not expired; with all devices also what the user has enrolled (XEP-0257). What is revoked
 * already stays as it is, and the CRL is written all the same: a run that was killed between ledger and CRL is mended by
 * the next one. What the ledger does not know, but a CA of the workspace has signed, is taken up and revoked as well.
 * Where a database has what users have enrolled, that comes last: it keeps nothing else from being revoked.
 * @throws {XmppkiError} NOT_FOUND when there is no such certificate, BAD_INPUT for one that is not a client's or where it is
 * not clear which CA is meant, IO, CORRUPT
 */
export async function revokeClients(workspace: Workspace, request: RevocationRequest): Promise<RevocationResult> {
  const now = request.now ?? new Date()
  const labels = await labelsSource(workspace, request)
  const select = selector(workspace, request.target, labels, now)
  // Before the passphrase is asked for; again under the lock, where it counts.
  const of = select().map(({ record }) => record)
  const list = { of, issuer: request.issuer, days: request.crlDays, now }
  const { changed, ...run } = await publishCrls(workspace, list, (changes, insert) => {
    const meant = select()
    for (const one of meant) takeUp(one, insert, changes, now.getTime())
    return { meant, ...revokeAll(workspace, { ...request, now }, meant, changes) }
  })
  const { meant, ...done } = changed
  const shared = await revokeShared(request, now)
  warnAboutMeant(workspace, meant)
  warnAboutOtherDevices(workspace, request.target, labels, now)
  return { ...run, ...done, enrolled: [...done.enrolled, ...shared.enrolled], unreached: shared.unreached }
}

/** Whoever takes all devices from a user means what he has enrolled as well, however long ago what enrolled it ended. */
function leavers({ target }: RevocationRequest): string[] {
  return 'jids' in target && target.allDevices ? target.jids.map(String) : []
}

/** What a user calls the certificates that he has enrolled. */
type LabelsOf = (jid: string) => readonly string[]

async function labelsSource(workspace: Workspace, { target, database }: RevocationRequest): Promise<LabelsOf> {
  const { enrolments } = workspace.ledger()
  if (database === undefined) return (jid) => enrolments.list(jid).map(({ label }) => label)
  const known = new Map<string, readonly string[]>()
  for (const jid of 'jids' in target ? target.jids.map(String) : []) known.set(jid, await database.labels(jid))
  return (jid) => known.get(jid) ?? []
}

async function revokeShared(
  request: RevocationRequest,
  now: Date,
): Promise<Pick<RevocationResult, 'enrolled' | 'unreached'>> {
  const { database } = request
  const enrolled: RevokedEnrolment[] = []
  if (database === undefined) return { enrolled, unreached: undefined }
  try {
    for (const jid of leavers(request)) enrolled.push(...(await database.revokeAll(jid, now.getTime())))
    return { enrolled, unreached: undefined }
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    return { enrolled, unreached: error }
  }
}

function revokeAll(
  workspace: Workspace,
  request: RevocationRequest,
  meant: readonly Meant[],
  changes: LedgerChanges,
): Pick<RevocationResult, 'revoked' | 'enrolled'> {
  const ledger = workspace.ledger()
  const { reason, now = new Date() } = request
  const at = now.getTime()
  const revoked = meant.map(({ record, knownBy }) => {
    const after = revokeAudited(ledger, changes, record, { at, reason })
    return { ...describe(after ?? record, record.revokedAt !== undefined), takenUp: knownBy !== undefined }
  })
  const left = request.database === undefined ? leavers(request) : []
  return { revoked, enrolled: left.flatMap((jid) => revokeEnrolments(ledger, changes, jid, at)) }
}

/** The name of a reason (RFC 5280 §5.3.1), in any case. @throws {XmppkiError} BAD_INPUT */
export function parseReason(text: string): RevocationReason {
  const reason = REVOCATION_REASONS.find((name) => name.toLowerCase() === text.toLowerCase())
  if (reason !== undefined) return reason
  throw new XmppkiError('BAD_INPUT', `'${text}' is not a reason for a revocation`, {
    hint: `use one of: ${REVOCATION_REASONS.join(', ')}`,
    spec: 'RFC 5280 §5.3.1',
  })
}

type Selector = () => Meant[]

function selector(workspace: Workspace, target: RevocationTarget, labels: LabelsOf, now: Date): Selector {
  if ('serial' in target) return () => [meantByNumber(target, workspace, now)]
  if ('file' in target) {
    const found = readFoundCertificate(target.file)
    return () => [meantByCertificate(found, workspace)]
  }
  const ledger = workspace.ledger()
  return () => {
    const records = ledger.list('client')
    const hasOthers = (jid: string) => target.allDevices && labels(jid).length > 0
    return target.jids
      .map(String)
      .flatMap((jid) => unexpired(records, jid, { ...target, hasOthers: hasOthers(jid) }, now))
      .map((record) => ({ record }))
  }
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
function warnAboutOtherDevices(workspace: Workspace, target: RevocationTarget, labelsOf: LabelsOf, now: Date): void {
  if (!('jids' in target)) return
  const names = new Set(target.jids.map(String))
  for (const name of names) {
    const labels = labelsOf(name)
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

/** What was not in the ledger before, and what no list can tell. */
function warnAboutMeant(workspace: Workspace, meant: readonly Meant[]): void {
  for (const { record, knownBy } of meant) {
    const { name, serial, issuer } = record
    if (knownBy === 'certificate') {
      workspace.warn(`the ledger did not know the certificate of ${name} with serial ${serial}: it was taken up`)
    } else if (knownBy === 'serial number') {
      workspace.warn(
        `the ledger did not know serial ${serial}: it was taken up, and whose it is stays unknown; make sure that it is the right number`,
      )
    }
    if (workspace.findAuthority(record) !== undefined) continue
    workspace.warn(`no CRL names serial ${serial}: its CA (serial ${issuer}) is revoked, or its folder is gone`)
  }
}

function describe(record: IssuedRecord, alreadyRevoked: boolean): Omit<RevokedClient, 'takenUp'> {
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
