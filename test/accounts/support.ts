import { expect } from 'vitest'
import type { ForeignAccount, ForeignRow } from '../../src/accounts/foreign-account.ts'
import { verifyPassword } from '../../src/xmpp/sasl/scram-credentials.ts'

/** What rows say, with errors as texts. */
export const summaryOf = (rows: readonly ForeignRow[]) =>
  rows.map((row) => {
    if ('error' in row) return [row.place, row.error.message]
    const { place, name, domain, credential } = row
    const what = credential.kind === 'keys' ? Object.keys(credential.keys).join() : credential.kind
    return [place, name, domain, what]
  })

/** Whether the keys of this account are those of the password, by computing them. */
export async function expectKeysOf(row: ForeignRow | undefined, password: string): Promise<void> {
  const { credential } = row as ForeignAccount
  if (credential.kind !== 'keys') throw new Error(`there is ${credential.kind} in place of keys`)
  expect(await verifyPassword(password, credential.keys)).toBe(true)
  expect(await verifyPassword(`${password}x`, credential.keys)).toBe(false)
}
