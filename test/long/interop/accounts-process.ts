// A process that uses a store of accounts. Its argument says which one and what to do; it writes lines of JSON.
import { writeSync } from 'node:fs'
import type { Account } from '../../../src/store/accounts.ts'
import { openAccounts } from '../../../src/store/open/open-accounts.ts'

/** What the process is to do. */
export interface Order {
  readonly url: string | undefined
  readonly path: string
  /** `create` makes this account. `import` makes accounts and stops for ever when most of them are written. */
  readonly work: { readonly create: string } | { readonly import: number }
}

const account = (jid: string, keys: Account['keys'] = {}): Account => ({ jid, keys, createdAt: 1, changedAt: 1 })

/** Keys that are asked for when they are written, and then the process stands still. */
const treacherous: Account['keys'] & { toJSON(): void } = {
  toJSON() {
    writeSync(1, '{"event":"halfway"}\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
}

async function obey({ url, path, work }: Order): Promise<void> {
  const accounts = await openAccounts({ url, path })
  if ('create' in work) {
    const conflict = await accounts.create(account(work.create), {})
    console.log(JSON.stringify({ event: 'created', conflict: conflict ?? null }))
  } else {
    const many = Array.from({ length: work.import }, (_, index) => account(`u${index}@example.org`))
    await accounts.importAll([...many, account('last@example.org', treacherous)], { replace: true })
  }
  await accounts.close()
}

void obey(JSON.parse(process.argv[2] ?? '') as Order)
