import type { Account, CreationLimits, ImportOutcome } from '../accounts.ts'

/** What is there before an import; must not change until it is written. */
export interface ImportGround {
  readonly exists: (jid: string) => boolean
  /** How many accounts a domain has. */
  readonly count: (domain: string) => number
}

export interface ImportPlan {
  /** One for each account, in order. */
  readonly outcomes: readonly ImportOutcome[]
  /**
   * What is to be written, each account once. One that is there takes keys and time of change from it, and keeps the rest.
   */
  readonly rows: readonly Account[]
}

/** The domain of a bare JID; a localpart has no `@` (RFC 7622 §3.3.1). */
export function domainOf(jid: string): string {
  return jid.slice(jid.indexOf('@') + 1)
}

/** Decides what becomes of each account, one after the other, so that all stores do the same. */
export function planImport(
  accounts: readonly Account[],
  ground: ImportGround,
  { perDomain = Number.POSITIVE_INFINITY, replace }: CreationLimits & { readonly replace: boolean },
): ImportPlan {
  const rows = new Map<string, Account>()
  const created = new Map<string, number>()
  const judge = (account: Account): ImportOutcome => {
    const { jid } = account
    const earlier = rows.get(jid)
    if (earlier !== undefined || ground.exists(jid)) {
      if (!replace) return 'exists'
      rows.set(jid, { ...account, createdAt: earlier?.createdAt ?? account.createdAt })
      return 'replaced'
    }
    const domain = domainOf(jid)
    const more = created.get(domain) ?? 0
    if (ground.count(domain) + more >= perDomain) return 'full'
    created.set(domain, more + 1)
    rows.set(jid, account)
    return 'created'
  }
  const outcomes = accounts.map(judge)
  return { outcomes, rows: [...rows.values()] }
}
