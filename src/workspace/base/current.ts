import type { IssuedCertificate } from '../../pki/issue/issue.ts'
import { isSameCertificate } from '../../store/certificate-id.ts'
import type { Holder, IssuedRecord } from '../../store/ledger.ts'
import { exists } from '../disk/files.ts'
import { settledTransaction } from './unfinished.ts'
import type { Workspace } from './workspace.ts'

/**
 * The holder's certificate that a further one would duplicate: newest, not revoked, and its files still there.
 * Whoever moves the folder away gets a new certificate.
 */
export function findCurrent(workspace: Workspace, holder: Holder): IssuedRecord | undefined {
  const record = workspace.ledger().findCurrent(holder)
  return record !== undefined && exists(record.directory) ? record : undefined
}

/**
 * As {@link findCurrent}, after what killed processes have left half done is finished or undone: a folder that is on its
 * way to another place is not missed.
 * @throws {XmppkiError} CORRUPT, IO
 */
export function findSettled(workspace: Workspace, holder: Holder): IssuedRecord | undefined {
  return settledTransaction(workspace.ledger(), workspace.paths.temporary, () => findCurrent(workspace, holder))
}

/**
 * Runs `work`, which reads the files of the holder's current certificate. It does so without the lock, so that another
 * process may move them away meanwhile: when it fails for that reason, `overtaken` says what follows.
 * @throws what `work` throws while the certificate is still the current one; what `overtaken` throws; CORRUPT, IO
 */
export async function withCurrentFiles<T>(
  workspace: Workspace,
  record: IssuedRecord,
  work: () => Promise<T>,
  overtaken: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isSameCertificate(findSettled(workspace, record), record)) throw error
    return overtaken()
  }
}

/** Tells about an older certificate that stays valid although its files are gone. */
export function warnAboutSuperseded(workspace: Workspace, holder: Holder, now: Date): void {
  const old = workspace.ledger().findCurrent(holder)
  if (old === undefined || old.notAfter < now.getTime()) return
  workspace.warn(
    `an earlier certificate for ${holder.name} stays valid until ${isoDate(old.notAfter)} although its folder ` +
      `${old.directory} is gone (serial ${old.serial})`,
  )
}

/** Tells about a certificate that is there but of no more use. @param remedy what to do about it */
export function warnAboutExpired(workspace: Workspace, record: IssuedRecord, now: Date, remedy: string): void {
  if (hasExpired(record, now)) workspace.warn(`the certificate for ${record.name} ${expiryOf(record)}; ${remedy}`)
}

export function hasExpired({ notAfter }: IssuedRecord, now: Date): boolean {
  return notAfter < now.getTime()
}

/** `expired on 2030-12-31` */
export function expiryOf({ notAfter }: IssuedRecord): string {
  return `expired on ${isoDate(notAfter)}`
}

/** The row for a certificate that was just signed. */
export function toRecord(
  certificate: IssuedCertificate,
  about: Holder & {
    readonly domains: readonly string[]
    readonly directory: string
    readonly now: Date
  },
): IssuedRecord {
  const { serial, issuerSerial, issuerId, fingerprint, notBefore, notAfter } = certificate
  const { kind, name, device, domains, directory, now } = about
  const times = {
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    issuedAt: now.getTime(),
  }
  return {
    serial,
    kind,
    issuer: issuerSerial,
    authority: issuerId,
    name,
    device,
    domains,
    fingerprint,
    ...times,
    directory,
  }
}

function isoDate(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
