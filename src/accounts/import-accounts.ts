import type { Account, Accounts, CreationLimits, ImportOutcome } from '../store/accounts.ts'
import { domainOf, planImport } from '../store/common/import-plan.ts'
import { type DerivationOptions, deriveKeys } from '../xmpp/sasl/scram-credentials.ts'
import type { ScramKeySet } from '../xmpp/sasl/scram-keys.ts'
import type { PreparedAccount } from './prepare.ts'

/** Node's thread pool has four threads unless told otherwise; more would only wait there. */
const AT_ONCE = 8

export interface DerivationRun extends DerivationOptions {
  /** Told how many are done. */
  readonly onProgress?: (done: number) => void
  readonly signal?: AbortSignal
}

/**
 * The keys of all these accounts, in order; those of passwords are derived, which takes milliseconds of CPU for each.
 * @returns undefined when the signal came first
 * @throws {XmppkiError} what `deriveKeys` throws
 */
export async function deriveAll(
  accounts: readonly PreparedAccount[],
  run: DerivationRun,
): Promise<readonly ScramKeySet[] | undefined> {
  const keys: ScramKeySet[] = []
  const left = accounts.entries()
  let done = 0
  const work = async () => {
    // Shared, so each takes the next one.
    for (const [index, { credential }] of left) {
      if (run.signal?.aborted) return
      keys[index] = await keysOf(credential, run)
      run.onProgress?.(++done)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return run.signal?.aborted ? undefined : keys
}

async function keysOf(credential: PreparedAccount['credential'], options: DerivationOptions): Promise<ScramKeySet> {
  switch (credential.kind) {
    case 'password':
      return deriveKeys(credential.password, options)
    case 'keys':
      return credential.keys
    default:
      return {}
  }
}

/** Writes to the store, or says what that would do. */
export type ImportWay = CreationLimits & { readonly replace: boolean; readonly dryRun: boolean }

/** What became of each account; in a dry run, what would. @throws {XmppkiError} as `Accounts.importAll` */
export async function writeAccounts(
  store: Accounts,
  accounts: readonly Account[],
  { dryRun, ...options }: ImportWay,
): Promise<readonly ImportOutcome[]> {
  if (!dryRun) return store.importAll(accounts, options)
  const there = new Map<string, number>()
  const jids = new Set((await store.list()).map(({ jid }) => jid))
  for (const jid of jids) there.set(domainOf(jid), (there.get(domainOf(jid)) ?? 0) + 1)
  const ground = { exists: (jid: string) => jids.has(jid), count: (domain: string) => there.get(domain) ?? 0 }
  return planImport(accounts, ground, options).outcomes
}
