import { certificateId } from '../../store/certificate-id.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import { archiveOf, type Replaced } from '../base/installation.ts'
import type { Workspace } from '../base/workspace.ts'
import { type Client, isOwnFolder } from './client-folder.ts'

/** What was revoked makes room for `record`, a new certificate of the same client, and a warning says where it is now. */
export function roomFor(workspace: Workspace, record: IssuedRecord, client: Client): Replaced | undefined {
  const { name, device, directory } = record
  if (!isOwnFolder(workspace, record, client)) return undefined
  const revoked = workspace
    .ledger()
    .list('client')
    .findLast((old) => old.name === name && old.device === device && old.directory === directory)
  if (revoked?.revokedAt === undefined) return undefined
  const archive = archiveOf(revoked)
  workspace.warn(`the files of the revoked certificate of ${name} are now in ${archive}`)
  return { ...certificateId(revoked), archive }
}
