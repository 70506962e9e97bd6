import { XmppkiError } from '../errors.ts'
import { keyAlgorithm } from '../pki/algorithms.ts'
import type { DomainCredentials } from '../server/listener.ts'
import { issueServer } from '../workspace/issue-server.ts'
import type { ServerCredentials } from '../workspace/server-credentials.ts'
import type { IssuerSource, Workspace } from '../workspace/workspace.ts'

const DAY_MS = 86_400_000

/** Certificates that end sooner are worth a warning. */
const WARN_DAYS = 14

/** As long as public CAs issue them for, and well below the 825 days above which Apple's systems refuse them. */
export const SERVER_DAYS = 397

function warnAboutEnd(domain: string, { notAfter, directory }: ServerCredentials, workspace: Workspace): void {
  const days = Math.floor((notAfter.getTime() - Date.now()) / DAY_MS)
  if (days >= WARN_DAYS) return
  const when = days < 0 ? `expired on ${notAfter.toISOString().slice(0, 10)}` : `expires in ${days} days`
  workspace.warn(
    `the server certificate of ${domain} ${when}; to replace it, move ${directory} away and run: xmppki server issue ${domain}`,
  )
}

async function issueMissing(workspace: Workspace, domain: string, issuer: IssuerSource): Promise<void> {
  const algorithm = keyAlgorithm('ec:p256')
  try {
    await issueServer(workspace, {
      domains: [domain],
      days: SERVER_DAYS,
      algorithm,
      ifMissing: true,
      issuer,
    })
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    throw new XmppkiError(
      error.code,
      `${domain} has no server certificate, and none could be issued: ${error.message}`,
      {
        hint: `run: xmppki server issue ${domain}`,
        cause: error,
      },
    )
  }
}

/**
 * Key and chain of every domain; what is missing is issued by the CA of the workspace.
 * @throws {XmppkiError} what `issueServer` throws, with the command that makes the certificate as its hint
 */
export async function domainCredentials(
  workspace: Workspace,
  domains: readonly string[],
  issuer: IssuerSource,
): Promise<DomainCredentials[]> {
  const found: DomainCredentials[] = []
  for (const domain of domains) {
    if (workspace.serverCredentials(domain) === undefined) await issueMissing(workspace, domain, issuer)
    const credentials = workspace.serverCredentials(domain)
    if (credentials === undefined) throw new XmppkiError('CORRUPT', `the server certificate of ${domain} has vanished`)
    warnAboutEnd(domain, credentials, workspace)
    found.push({ domain, key: credentials.key, chain: credentials.chain })
  }
  return found
}
