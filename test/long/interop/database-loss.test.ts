import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresServer } from '../../interop/databases/postgres-server.ts'
import { issuedCredentials } from '../../support/certificates/issued-credentials.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { attemptPassword } from '../../support/streams/scram-client.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'

const CLIENTS = 4

const cli = new CliHome()
let database: PostgresServer
let serve: ServeProcess
let port: number
beforeAll(async () => {
  database = await PostgresServer.start()
  expect((await cli.run(['ca', 'init', '--domain', 'localhost', '--no-passphrase'])).code).toBe(0)
  expect((await cli.run(['client', 'issue', 'bob'])).code).toBe(0)
  writeFileSync(join(cli.home, 'database.url'), `${database.url(await database.createDatabase())}\n`, { mode: 0o600 })
  const settings = '[store]\nurl_file = "database.url"\n[auth]\nmethods = ["rdbms", "pki"]\n'
  writeFileSync(join(cli.home, 'xmppki.toml'), settings)
  await addUser('alice')
  serve = new ServeProcess(['--home', cli.home])
  port = (await serve.listening()).port
})
afterAll(async () => {
  await serve?.stop()
  cli.remove()
  await database.remove()
})

async function addUser(name: string): Promise<number | null> {
  writeFileSync(cli.path('password'), 'open sesame\n', { mode: 0o600 })
  return (await cli.run(['user', 'add', name, '--password-file', cli.path('password')])).code
}

async function byPassword(username = 'alice'): Promise<string> {
  const client = await RawClient.secured({ port })
  const told = await attemptPassword(client, { mechanism: 'SCRAM-SHA-256-PLUS', username })
  client.destroy()
  return told
}

async function byCertificate(): Promise<RawClient> {
  return RawClient.online({ port, credentials: issuedCredentials(cli.home, 'bob') })
}

/** Logs in again and again from several clients, and tells what came of it. */
class LoginLoad {
  readonly #told = new Map<string, number>()
  readonly #workers: Promise<void>[]
  #isOver = false
  #waiting: (() => void)[] = []

  constructor() {
    this.#workers = Array.from({ length: CLIENTS }, () => this.#work())
  }

  /** Waits until logins that begin from now on have been told this, `count` times. */
  async until(outcome: string, count: number): Promise<void> {
    const goal = (this.#told.get(outcome) ?? 0) + count
    while ((this.#told.get(outcome) ?? 0) < goal) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async stop(): Promise<string[]> {
    this.#isOver = true
    await Promise.all(this.#workers)
    return [...this.#told.keys()].sort()
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      const told = await byPassword()
      this.#told.set(told, (this.#told.get(told) ?? 0) + 1)
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}

describe('a database that goes away under login load', () => {
  it('costs logins with a password for as long, and nothing else', async () => {
    const load = new LoginLoad()
    await load.until('success', 10)
    const online = await byCertificate()
    for (const leave of [() => database.crash(), () => database.stop()]) {
      await leave()
      await load.until('temporary-auth-failure', 10)
      // Certificates need no account here.
      ;(await byCertificate()).destroy()
      expect(await addUser('late')).toBe(11)
      await database.start()
      await load.until('success', 10)
    }
    // Nothing else was ever answered: not that the password was wrong, and nothing that counts as a failed login.
    expect(await load.stop()).toEqual(['success', 'temporary-auth-failure'])
    online.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await online.receive(/<iq [^>]*type="result"/)
    online.destroy()
    // What was acknowledged before and after is there.
    expect(await addUser('late')).toBe(0)
    expect(await byPassword('late')).toBe('success')
    expect(serve.logLines.filter(({ level }) => level === 'fatal')).toEqual([])
  })
})
