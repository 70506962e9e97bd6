import { XmppkiError } from '../errors.ts'
import type { Jid } from '../xmpp/jid.ts'
import { type ClientRequest, checkClient, findClient, type IssuedClient, issueClient } from './issue-client.ts'
import type { Workspace } from './workspace.ts'

/** As for one client, but for many: only the names differ. */
export interface BatchRequest extends Omit<ClientRequest, 'jid'> {
  readonly jids: readonly Jid[]
  /** Told before each name: how many are done already. */
  readonly onProgress: (jid: Jid, done: number) => void
}

export interface BatchResult {
  readonly issued: readonly IssuedClient[]
  readonly failed: readonly {
    readonly jid: Jid
    readonly error: XmppkiError
  }[]
}

/**
 * Issues for each of the names. What makes all of them fail (no CA, wrong passphrase, a name that the CA may not
 * certify, too many days) is found before anything is written and thrown; afterwards one failure does not stop the others.
 * @throws {XmppkiError} as `issueClient`
 */
export async function issueClients(workspace: Workspace, request: BatchRequest): Promise<BatchResult> {
  const { jids, onProgress, ...common } = request
  checkFolders(request)
  const now = request.now ?? new Date()
  const missing = jids.filter((jid) => findClient(workspace, { jid, device: request.device }) === undefined)
  if (missing.length > 0) {
    const issuer = await request.issuer()
    for (const jid of missing) checkClient({ jid, device: request.device }, { days: request.days, now }, issuer)
  }
  const issued: IssuedClient[] = []
  const failed: BatchResult['failed'][number][] = []
  for (const [done, jid] of jids.entries()) {
    onProgress(jid, done)
    try {
      issued.push(await issueClient(workspace, { ...common, jid }))
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      failed.push({ jid, error })
    }
  }
  return { issued, failed }
}

/** Below `--out` there is no folder for the domain. */
function checkFolders({ jids, out }: BatchRequest): void {
  if (out === undefined || new Set(jids.map(({ local }) => local)).size === jids.length) return
  throw new XmppkiError('USAGE', 'users of the same name at different domains would share a folder in --out', {
    hint: 'issue for one domain at a time, each with a folder of its own',
  })
}
