import { join } from 'node:path'
import type { Account } from '../../../src/store/accounts.ts'
import { SqliteAccounts } from '../../../src/store/sqlite/accounts.ts'
import { verifyPassword } from '../../../src/xmpp/sasl/scram-credentials.ts'
import type { CliHome } from '../../support/processes/cli.ts'

/** All accounts of the workspace. */
export async function accountsOf(cli: CliHome): Promise<readonly Account[]> {
  const store = new SqliteAccounts(join(cli.home, 'accounts.db'))
  try {
    return await store.list()
  } finally {
    await store.close()
  }
}

/** Whether this password logs in to the account. */
export async function logsIn(cli: CliHome, jid: string, password: string): Promise<boolean> {
  const account = (await accountsOf(cli)).find((one) => one.jid === jid)
  return account !== undefined && verifyPassword(password, account.keys)
}
