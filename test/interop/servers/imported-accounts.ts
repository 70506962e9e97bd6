import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ScramHash, ScramKeys } from '../../../src/xmpp/sasl/scram-keys.ts'
import { accountsOf } from '../../commands/user/accounts-checks.ts'
import type { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { attemptPassword } from '../../support/streams/scram-client.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'
import type { PeerAccount } from './peer-accounts.ts'

/** RFC 5802 §3, without any code of ours. */
function keysOf(password: string, hash: ScramHash, { salt, iterations }: ScramKeys) {
  const digest = hash.replace('-', '')
  const length = { sha1: 20, sha256: 32, sha512: 64 }[digest] ?? 0
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, length, digest)
  const hmac = (text: string) => createHmac(digest, salted).update(text).digest()
  const storedKey = createHash(digest).update(hmac('Client Key')).digest('base64')
  return { salt, iterations, storedKey, serverKey: hmac('Server Key').toString('base64') }
}

/** The accounts of the workspace have the keys of these passwords, and the hashes that are expected. */
export async function expectPasswords(
  cli: CliHome,
  accounts: readonly (PeerAccount & { hashes: string })[],
): Promise<void> {
  const found = new Map((await accountsOf(cli)).map((account) => [account.jid, account.keys]))
  expect([...found.keys()].sort()).toEqual(accounts.map(({ user, host }) => `${user}@${host}`).sort())
  for (const { user, host, password, hashes } of accounts) {
    const keys = found.get(`${user}@${host}`) ?? {}
    expect(Object.keys(keys).join(), user).toBe(hashes)
    for (const [hash, one] of Object.entries(keys)) expect(one).toEqual(keysOf(password, hash as ScramHash, one))
  }
}

/** The accounts of localhost log in to the real server with their passwords, and with no others. */
export async function expectLogins(cli: CliHome, accounts: readonly PeerAccount[]): Promise<void> {
  writeFileSync(join(cli.home, 'xmppki.toml'), '[auth]\nmethods = ["rdbms"]\n')
  const serve = new ServeProcess(['--home', cli.home])
  const { port } = await serve.listening()
  const attempt = async (username: string, password: string) => {
    const client = await RawClient.secured({ port })
    const answer = await attemptPassword(client, { mechanism: 'SCRAM-SHA-1-PLUS', username, password })
    client.destroy()
    return answer
  }
  for (const { user, password } of accounts.filter(({ host }) => host === 'localhost')) {
    expect(await attempt(user, password), user).toBe('success')
    expect(await attempt(user, `${password}x`), user).toBe('not-authorized')
  }
  expect(await serve.stop()).toBe(0)
}

export const PASSWORD = 'pa"ss\\wört {}'
/** The hashes of an account whose password is known. */
export const ALL_HASHES = 'sha-1,sha-256,sha-512'
