import type { CountedForm, ScramKeySet } from '../../xmpp/sasl/scram-keys.ts'
import type { Account, Accounts, CreationConflict, CreationLimits, ImportOutcome } from '../accounts.ts'
import { dummySecretOf, newDummySecret } from '../common/dummy-secret.ts'
import { domainOf, planImport } from '../common/import-plan.ts'
import { countedForms, formText } from '../key-forms.ts'

/** The reference: what the contract means, without a file. */
export class MemoryAccounts implements Accounts {
  readonly #accounts = new Map<string, Account>()
  readonly #holders = new Set<string>()
  readonly #dummySecret = dummySecretOf(newDummySecret())

  async find(jid: string): Promise<Account | undefined> {
    return this.#accounts.get(jid)
  }

  async create(account: Account, limits: CreationLimits): Promise<CreationConflict | undefined> {
    const [outcome] = await this.importAll([account], { ...limits, replace: false })
    return outcome === 'exists' || outcome === 'full' ? outcome : undefined
  }

  async setKeys(jid: string, keys: ScramKeySet, at: number): Promise<boolean> {
    const account = this.#accounts.get(jid)
    if (account !== undefined) this.#accounts.set(jid, { ...account, keys, changedAt: at })
    return account !== undefined
  }

  async delete(jid: string): Promise<boolean> {
    return this.#accounts.delete(jid)
  }

  async list(domain?: string): Promise<readonly Account[]> {
    // Databases compare bytes; JavaScript would compare UTF-16.
    const order = (a: Account, b: Account) => Buffer.compare(Buffer.from(a.jid), Buffer.from(b.jid))
    return [...this.#accounts.values()]
      .filter(({ jid }) => domain === undefined || domainOf(jid) === domain)
      .sort(order)
  }

  async importAll(
    accounts: readonly Account[],
    options: CreationLimits & { readonly replace: boolean },
  ): Promise<readonly ImportOutcome[]> {
    const all = [...this.#accounts.keys()]
    const ground = {
      exists: (jid: string) => this.#accounts.has(jid),
      count: (domain: string) => all.filter((jid) => domainOf(jid) === domain).length,
    }
    const { outcomes, rows } = planImport(accounts, ground, options)
    for (const row of rows) {
      const { createdAt } = this.#accounts.get(row.jid) ?? row
      this.#accounts.set(row.jid, { ...row, createdAt })
    }
    return outcomes
  }

  async noteHolders(jids: readonly string[]): Promise<void> {
    for (const jid of jids) this.#holders.add(jid)
  }

  async isHolder(jid: string): Promise<boolean> {
    return this.#holders.has(jid)
  }

  async keyForms(domain: string): Promise<readonly CountedForm[]> {
    const counts = new Map<string, number>()
    for (const { keys } of await this.list(domain)) counts.set(formText(keys), (counts.get(formText(keys)) ?? 0) + 1)
    return countedForms([...counts].map(([form, accounts]) => ({ form, accounts })))
  }

  async dummySecret(): Promise<Uint8Array> {
    return this.#dummySecret
  }

  async close(): Promise<void> {}
}
