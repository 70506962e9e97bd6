import type { ForeignAccount, RefusedAccount } from '../../accounts/foreign-account.ts'
import type { PreparedAccount } from '../../accounts/prepare.ts'
import type { NameContext } from '../../cli/client-names.ts'
import { errorAt, parseRowName } from '../../cli/listed-clients.ts'
import { duration, grouped } from '../../cli/progress.ts'
import type { XmppkiError } from '../../errors.ts'
import type { ImportOutcome } from '../../store/accounts.ts'
import { conflictError } from './account-conflict.ts'

/** An account that was not imported. */
export interface ImportFailure {
  readonly place: string
  /** As it stands there, or the JID. */
  readonly name: string
  /** With the place in front. */
  readonly error: XmppkiError
}

/** How many accounts became what. */
export interface ImportCounts {
  readonly created: number
  readonly replaced: number
  /** Were there before, and were left as they are. */
  readonly kept: number
}

/** How names of other servers become JIDs here. */
export function jidOf(context: NameContext): (account: ForeignAccount) => string {
  return ({ name, domain }) => parseRowName(name, domain, context).jid.toString()
}

/** A row that cannot be used. */
export function refusedRow({ place, name, error }: RefusedAccount): ImportFailure {
  // Errors about the format of a file have the place already.
  return { place, name, error: error.message.startsWith(`${place}:`) ? error : errorAt(place, error) }
}

/** What became of the accounts. @param keep whether those that are there are accepted */
export function importReport(
  accounts: readonly PreparedAccount[],
  outcomes: readonly ImportOutcome[],
  keep: boolean,
): { readonly counts: ImportCounts; readonly failures: readonly ImportFailure[] } {
  const counts = { created: 0, replaced: 0, kept: 0 }
  const failures: ImportFailure[] = []
  for (const [index, { jid, place }] of accounts.entries()) {
    const outcome = outcomes[index] ?? 'exists'
    if (outcome === 'created' || outcome === 'replaced') counts[outcome]++
    else if (outcome === 'exists' && keep) counts.kept++
    else failures.push({ place, name: jid, error: errorAt(place, conflictError(jid, outcome)) })
  }
  return { counts, failures }
}

/** `1,000 accounts: 990 created, 7 already there, 3 failed, in 8.1 s` */
export function importLine(counts: ImportCounts, failed: number, run: { dryRun: boolean; seconds: number }): string {
  const { created, replaced, kept } = counts
  const total = created + replaced + kept + failed
  const parts = [
    `${grouped(created)} created`,
    ...(replaced === 0 ? [] : [`${grouped(replaced)} replaced`]),
    ...(kept === 0 ? [] : [`${grouped(kept)} already there`]),
    ...(failed === 0 ? [] : [`${grouped(failed)} failed`]),
  ]
  const end = run.dryRun ? 'nothing was written' : `in ${duration(run.seconds)}`
  return `${grouped(total)} ${total === 1 ? 'account' : 'accounts'}: ${parts.join(', ')}, ${end}`
}
