import { type ConfigurationSource, loadConfiguration } from '../../config/load.ts'
import { storeUrl } from '../../config/store-url.ts'
import { XmppkiError } from '../../errors.ts'
import { openRevocationFeed } from '../../store/open/open-revocation-feed.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import { sharedRevocation } from './revocation-exchange.ts'

/**
 * Tells the servers of other machines what the ledger has revoked, all of it, over the database of the configuration;
 * nothing when there is none. A running `serve` does the same by itself.
 * @param place the configuration; without a file that of the workspace, if there is one
 * @returns why it could not be done
 */
export async function shareRevocations(
  workspace: Workspace,
  place: Pick<ConfigurationSource, 'file' | 'overrides'>,
): Promise<XmppkiError | undefined> {
  try {
    const url = sharedUrl(workspace, place)
    if (url !== undefined) await publish(workspace, url)
    return undefined
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    return new XmppkiError('PARTIAL', `servers on other machines have not been told: ${error.message}`, {
      hint: 'xmppki serve tells them as soon as it can; without it run this again',
      cause: error,
    })
  }
}

/**
 * The database that the configuration names, if there is one.
 * @param place as for {@link shareRevocations} @throws {XmppkiError} what is wrong with the configuration
 */
export function sharedUrl(
  workspace: Workspace,
  place: Pick<ConfigurationSource, 'file' | 'overrides'>,
): string | undefined {
  const { home } = workspace.paths
  const source = { ...place, home, defaultHost: workspace.defaultDomain }
  // What may be wrong with the rest of it is for `serve` to say.
  return storeUrl(loadConfiguration(source, () => undefined))
}

async function publish(workspace: Workspace, url: string): Promise<void> {
  const feed = await openRevocationFeed(url)
  try {
    await feed.publish(workspace.ledger().listRevoked().map(sharedRevocation))
  } finally {
    await feed.close()
  }
}
