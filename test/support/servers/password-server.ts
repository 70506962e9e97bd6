import { afterEach } from 'vitest'
import type { AccountOptions } from '../../../src/server/accounts/account-service.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { deriveKeys } from '../../../src/xmpp/sasl/scram-credentials.ts'
import { SCRAM_HASHES, scramName } from '../../../src/xmpp/sasl/scram-keys.ts'
import type { OpensslCa } from '../certificates/certificates.ts'
import { startTestServer, type TestServer, type TestServerOptions } from './server.ts'

/** As few as there may be. */
export const ITERATIONS = 4096

export const ALL_SCRAM = SCRAM_HASHES.toReversed().flatMap((hash) => [scramName(hash, true), scramName(hash, false)])

/** Puts an account into a store; without a password it logs in by certificate only. */
export async function addAccount(accounts: MemoryAccounts, jid: string, password?: string): Promise<void> {
  const keys =
    password === undefined ? {} : await deriveKeys(password, { hashes: SCRAM_HASHES, iterations: ITERATIONS })
  await accounts.create({ jid, keys, createdAt: 1, changedAt: 1 }, {})
}

export type PasswordServerOptions = TestServerOptions & {
  readonly accounts?: AccountOptions['accounts']
  readonly mechanisms?: readonly string[]
  readonly means?: Partial<AccountOptions>
  readonly certificates?: ServerOptions['certificates']
}

export interface PasswordServer extends TestServer {
  readonly accounts: MemoryAccounts
  readonly means: AccountOptions
}

/** A server with the account alice@localhost, whose password is "open sesame". */
export async function startPasswordServer(given: PasswordServerOptions = {}): Promise<PasswordServer> {
  const { accounts: other, mechanisms = [...ALL_SCRAM, 'PLAIN'], means: more, ...rest } = given
  const accounts = new MemoryAccounts()
  await addAccount(accounts, 'alice@localhost', 'open sesame')
  const means: AccountOptions = {
    accounts: other ?? accounts,
    hashes: SCRAM_HASHES,
    iterations: ITERATIONS,
    mechanisms: new Set(mechanisms),
    registration: false,
    ...more,
  }
  return { ...(await startTestServer({ ...rest, passwords: means })), accounts, means }
}

/** Starts servers with this CA, which end with the test. */
export function passwordServers(ca: OpensslCa): (given?: PasswordServerOptions) => Promise<PasswordServer> {
  let running: PasswordServer[] = []
  afterEach(async () => {
    await Promise.all(running.map((server) => server.stop()))
    running = []
  })
  return async (given = {}) => {
    const server = await startPasswordServer({ ca, ...given })
    running.push(server)
    return server
  }
}
