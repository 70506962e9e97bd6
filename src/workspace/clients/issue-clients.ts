import { availableParallelism } from 'node:os'
import { XmppkiError } from '../../errors.ts'
import type { InstallOutcome } from '../base/install.ts'
import type { IssuerSource, Workspace } from '../base/workspace.ts'
import type { Client } from './client-folder.ts'
import { GroupInstaller } from './group-installer.ts'
import {
  beginIssuing,
  type ClientRequest,
  checkClient,
  findClient,
  type IssuedClient,
  type PendingClient,
} from './issue-client.ts'

/** What differs between the clients of a batch. */
export interface BatchClient extends Client {
  readonly days: number
}

export interface BatchRequest<C extends BatchClient> extends Omit<ClientRequest, keyof BatchClient> {
  readonly clients: readonly C[]
  /**
   * Set to find before anything is written what the CA may not certify; otherwise that is a failure of the one client.
   * What all have in common (no CA, wrong passphrase) is always found first.
   */
  readonly checkFirst: boolean
  /** Told after each client. */
  readonly onProgress: (progress: BatchProgress) => void
  /** Once it is aborted no further client is begun; those in hand are finished. */
  readonly signal?: AbortSignal
}

export interface BatchProgress {
  /** Issued, there already, or failed. */
  readonly settled: number
  readonly failed: number
}

export interface BatchResult<C extends BatchClient> {
  /** In the order of the request. */
  readonly issued: readonly IssuedClient[]
  readonly failed: readonly { readonly client: C; readonly error: XmppkiError }[]
  /** How many were not begun, after an abort. */
  readonly left: number
}

/**
 * Issues for each of the clients: several are being made at once while others are being installed in groups. What makes
 * all of them fail is thrown; afterwards one failure does not stop the others.
 * @throws {XmppkiError} as `issueClient`
 */
export async function issueClients<C extends BatchClient>(
  workspace: Workspace,
  request: BatchRequest<C>,
): Promise<BatchResult<C>> {
  await checkAll(workspace, request)
  const outcomes: (IssuedClient | XmppkiError | undefined)[] = request.clients.map(() => undefined)
  const progress = { settled: 0, failed: 0 }
  const settle = (index: number, outcome: IssuedClient | XmppkiError) => {
    outcomes[index] = outcome
    progress.settled += 1
    if (outcome instanceof XmppkiError) progress.failed += 1
    request.onProgress({ ...progress })
  }
  await issueAll(workspace, request, settle)
  return summary(request.clients, outcomes)
}

async function checkAll<C extends BatchClient>(workspace: Workspace, request: BatchRequest<C>): Promise<void> {
  const missing = request.clients.filter((client) => findClient(workspace, client) === undefined)
  if (missing.length === 0) return
  const issuer = await request.issuer()
  if (!request.checkFirst) return
  const now = request.now ?? new Date()
  for (const client of missing) checkClient(client, { days: client.days, now }, issuer)
}

type Settle = (index: number, outcome: IssuedClient | XmppkiError) => void

/** As many are being made at once as there are cores: the thread pool makes RSA keys and derives keys of bundles. */
async function issueAll<C extends BatchClient>(
  workspace: Workspace,
  { clients, checkFirst: _checked, onProgress: _told, signal, ...common }: BatchRequest<C>,
  settle: Settle,
): Promise<void> {
  const installer = new GroupInstaller(workspace)
  // The CA of a batch is the one that it began with, and its files are read once.
  let unlocked: ReturnType<IssuerSource> | undefined
  const issuer = () => {
    unlocked ??= common.issuer()
    return unlocked
  }
  const todo = clients.entries()
  const work = async () => {
    for (const [index, { jid, device, days }] of todo) {
      try {
        const begun = await beginIssuing(workspace, { ...common, issuer, jid, device, days })
        if (!('installation' in begun)) settle(index, begun)
        else
          await installer.add(begun, (outcome) =>
            settle(
              index,
              attempt(() => finished(begun, outcome)),
            ),
          )
      } catch (error) {
        settle(index, known(error))
      }
      if (signal?.aborted) return
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: availableParallelism() + 1 }, work))
  await installer.finish()
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason
}

function finished(client: PendingClient, outcome: InstallOutcome): IssuedClient {
  if (outcome instanceof XmppkiError) throw outcome
  return client.settle()
}

function attempt(work: () => IssuedClient): IssuedClient | XmppkiError {
  try {
    return work()
  } catch (error) {
    return known(error)
  }
}

/** @throws what is a defect */
function known(error: unknown): XmppkiError {
  if (error instanceof XmppkiError) return error
  throw error
}

function summary<C extends BatchClient>(
  clients: readonly C[],
  outcomes: readonly (IssuedClient | XmppkiError | undefined)[],
): BatchResult<C> {
  const issued: IssuedClient[] = []
  const failed: { client: C; error: XmppkiError }[] = []
  let left = 0
  for (const [index, client] of clients.entries()) {
    const outcome = outcomes[index]
    if (outcome === undefined) left += 1
    else if (outcome instanceof XmppkiError) failed.push({ client, error: outcome })
    else issued.push(outcome)
  }
  return { issued, failed, left }
}
