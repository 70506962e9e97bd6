import type { Workspace } from '../workspace/base/workspace.ts'
import { examineAuthorities } from './authorities.ts'
import { type ConfigurationPlace, examineConfiguration } from './configuration.ts'
import { attempt, type Finding } from './finding.ts'
import { examineAuditLog, examineDisk, examineLedger } from './machine.ts'
import { examinePermissions } from './permissions.ts'
import { examineServerCertificates } from './server-certificates.ts'
import { examineServiceRecords } from './service-records.ts'

/**
 * Looks at everything that a login at this workspace depends on. Nothing is changed, no passphrase is needed.
 * @param given without a configuration that of the workspace, if it is there
 */
export async function examineWorkspace(
  workspace: Workspace,
  given: { readonly domain: string; readonly now: Date; readonly configuration?: ConfigurationPlace },
): Promise<Finding[]> {
  const { domain, now, configuration } = given
  return [
    ...(await attempt('CA', () => examineAuthorities(workspace, now))),
    ...(await attempt('server certificates', () => examineServerCertificates(workspace, now))),
    ...(await attempt('ledger', () => examineLedger(workspace))),
    ...(await attempt('audit log', () => examineAuditLog(workspace))),
    ...(await attempt('configuration', () => examineConfiguration(workspace, configuration))),
    ...(await attempt('permissions', () => examinePermissions(workspace.paths.home))),
    ...(await attempt('disk', () => examineDisk(workspace))),
    ...(await attempt('DNS', () => examineServiceRecords(domain))),
  ]
}
