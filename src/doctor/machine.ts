import { statfs } from 'node:fs/promises'
import { checkDatabaseFile } from '../store/sqlite/check.ts'
import { LEDGER_WORDS } from '../store/sqlite/driver.ts'
import type { Workspace } from '../workspace/base/workspace.ts'
import { readAuditTrail } from '../workspace/ca/audit-trail.ts'
import { sizeIfAny } from '../workspace/disk/files.ts'
import { about, type Finding } from './finding.ts'

const MIB = 1_048_576
/** Less than this, and the next CRL or a backup may not fit. */
const DISK_FAILED_MIB = 64
const DISK_WARN_MIB = 512

/** The ledger file, as SQLite sees it. */
export function examineLedger(workspace: Workspace): Finding[] {
  const note = about('ledger')
  const { ledger: path } = workspace.paths
  // SQLite would make a new one and find nothing wrong with it; the workspace refuses to.
  if (!sizeIfAny(path)) workspace.ledger()
  const [problem] = checkDatabaseFile(path, LEDGER_WORDS)
  if (problem !== undefined) return [note('failed', `${path} is damaged: ${problem}`, 'restore it from a backup')]
  const records = workspace.ledger().list()
  const revoked = records.filter(({ revokedAt }) => revokedAt !== undefined).length
  return [note('ok', `undamaged; ${records.length} certificates, ${revoked} of them revoked`)]
}

/** Hash chain of the audit log, and that it tells what the ledger tells. */
export function examineAuditLog(workspace: Workspace): Finding[] {
  const { head } = readAuditTrail(workspace.ledger())
  return [about('audit log')('ok', `unbroken; entry ${head.number}, hash ${head.hash}`)]
}

/** Room on the disk of the workspace. */
export async function examineDisk({ paths }: Workspace): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(paths.home)
  const free = Math.floor((bavail * bsize) / MIB)
  const state = free < DISK_FAILED_MIB ? 'failed' : free < DISK_WARN_MIB ? 'warning' : 'ok'
  const note = about('disk')
  if (state === 'ok') return [note('ok', `${free} MiB free`)]
  return [note(state, `${free} MiB free`, `make room where ${paths.home} is`)]
}
