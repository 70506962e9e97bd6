import { copyFileSync, cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { LEDGER_WORDS } from '../../src/store/sqlite/driver.ts'
import { SqliteLedger } from '../../src/store/sqlite/ledger.ts'
import { snapshotDatabase } from '../../src/store/sqlite/snapshot.ts'
import { issuedCredentials } from '../support/certificates/issued-credentials.ts'
import { runCli } from '../support/processes/cli.ts'
import { type Listening, ServeProcess } from '../support/processes/serve.ts'
import { RawClient } from '../support/streams/xmpp-client.ts'

const BACK_IN_TIME = { timeout: 60_000 }
const LEFT = /<stream:error><(reset|not-authorized) .*<\/stream:error><\/stream:stream>$/

let template: string
let home: string
let elsewhere: string
let serve: ServeProcess
let listening: Listening
let clients: RawClient[] = []

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'xmppki-ledger-'))
  await runCli(['ca', 'init', '--no-passphrase', '--home', template])
  await runCli(['server', 'issue', 'localhost', '--home', template])
  await runCli(['client', 'issue', 'alice', 'bob', 'carol', '--home', template])
})
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'xmppki-ledger-'))
  elsewhere = mkdtempSync(join(tmpdir(), 'xmppki-ledger-'))
  cpSync(template, home, { recursive: true })
  serve = new ServeProcess(['--home', home])
  listening = await serve.listening()
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  clients = []
  await serve.stop()
  for (const folder of [home, elsewhere]) rmSync(folder, { recursive: true, force: true })
})
afterAll(() => rmSync(template, { recursive: true, force: true }))

const ledger = () => join(home, 'ledger.db')
const cli = (...args: string[]) => runCli([...args, '--home', home])

const credentials = (user: string) => issuedCredentials(home, user)

async function online(user: string): Promise<RawClient> {
  const client = await RawClient.online({ port: listening.port, credentials: credentials(user) })
  clients.push(client)
  return client
}

async function isLetIn(user: string): Promise<boolean> {
  const client = await RawClient.direct({ port: listening.tlsPort, credentials: credentials(user) })
  const features = await client.open()
  client.destroy()
  return features.includes('EXTERNAL')
}

async function ping(client: RawClient): Promise<void> {
  client.send("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
  await client.receive(/<iq [^>]*id="p1"[^>]*\/?>/)
}

/** A copy of the ledger, in which these users are revoked, as another machine or a backup would have it. */
function copyOfLedger(...revoked: string[]): string {
  const copy = join(home, 'copy.db')
  snapshotDatabase(ledger(), copy, LEDGER_WORDS)
  const opened = new SqliteLedger(copy)
  for (const user of revoked) {
    const found = opened.findCurrent({ kind: 'client', name: `${user}@localhost`, device: '' })
    if (found === undefined) throw new Error(`${user} has no certificate`)
    opened.transaction((_insert, changes) => changes.revoke(found, { at: Date.now(), reason: 'keyCompromise' }))
  }
  const whole = `${copy}.whole`
  snapshotDatabase(copy, whole, LEDGER_WORDS)
  opened.close()
  return whole
}

const lastOf = (message: string) => serve.logLines.findLast(({ msg }) => msg === message)
const NO_LEDGER = { msg: 'EXTERNAL not offered', check: 'no-ledger' }

describe('serve, when another file becomes the ledger', () => {
  it.each<[string, (next: string) => void]>([
    ['by renaming', (next) => renameSync(next, ledger())],
    ['by writing over it', (next) => copyFileSync(next, ledger())],
  ])('%s, ends the sessions that it has revoked, and no others', async (_how, replace) => {
    const [alice, bob] = [await online('alice'), await online('bob')]
    replace(copyOfLedger('alice'))
    expect(await alice.ended()).toMatch(LEFT)
    await vi.waitFor(async () => expect(await isLetIn('bob')).toBe(true), BACK_IN_TIME)
    expect(await isLetIn('alice')).toBe(false)
    await ping(bob)
  })

  it('hears what commands write to it', async () => {
    const [alice, bob] = [await online('alice'), await online('bob')]
    // In the log of the old file, where nobody may read it after this.
    expect((await cli('client', 'issue', 'dave')).code).toBe(0)
    renameSync(copyOfLedger(), ledger())
    expect((await cli('client', 'revoke', 'alice')).code).toBe(0)
    expect(await alice.ended()).toMatch(LEFT)
    expect(await isLetIn('alice')).toBe(false)
    expect((await cli('client', 'revoke', 'carol')).code).toBe(0)
    await vi.waitFor(async () => expect(await isLetIn('carol')).toBe(false), BACK_IN_TIME)
    await vi.waitFor(async () => expect(await isLetIn('bob')).toBe(true), BACK_IN_TIME)
    await ping(bob)
    expect((await cli('ca', 'audit')).code).toBe(0)
  })
})

describe('serve, without a ledger', () => {
  it.each<[string, () => void]>([
    ['deleted', () => rmSync(ledger())],
    ['moved away', () => renameSync(ledger(), join(home, 'elsewhere.db'))],
    ['something else', () => writeFileSync(ledger(), 'no ledger '.repeat(1_000))],
  ])('%s, ends all sessions by certificate, and lets nobody in until it is back', async (_how, remove) => {
    const copy = copyOfLedger('carol')
    const [alice, bob] = [await online('alice'), await online('bob')]
    remove()
    for (const client of [alice, bob]) expect(await client.ended()).toMatch(LEFT)
    expect(await isLetIn('alice')).toBe(false)
    await serve.logged(NO_LEDGER)
    expect(lastOf('no certificate is accepted for now')).toMatchObject({ level: 'error', check: 'no-ledger' })
    // A new, empty one would not know who was revoked.
    expect((await cli('client', 'list')).code).not.toBe(0)
    rmSync(ledger(), { force: true })
    renameSync(copy, ledger())
    await vi.waitFor(async () => expect(await isLetIn('alice')).toBe(true), BACK_IN_TIME)
    expect(await isLetIn('carol')).toBe(false)
    await ping(await online('alice'))
  })

  it('goes on with one that is restored from a backup', async () => {
    writeFileSync(join(elsewhere, 'secret'), 'correct horse battery staple\n', { mode: 0o600 })
    const backup = join(elsewhere, 'backup.age')
    const passphrase = ['--backup-passphrase-file', join(elsewhere, 'secret')]
    expect(await cli('client', 'revoke', 'carol')).toMatchObject({ code: 0 })
    expect(await cli('ca', 'backup', backup, ...passphrase)).toMatchObject({ code: 0 })
    const restored = join(elsewhere, 'restored')
    expect(await runCli(['ca', 'restore', backup, ...passphrase, '--home', restored])).toMatchObject({ code: 0 })
    const alice = await online('alice')
    rmSync(ledger())
    expect(await alice.ended()).toMatch(LEFT)
    renameSync(join(restored, 'ledger.db'), ledger())
    await vi.waitFor(async () => expect(await isLetIn('alice')).toBe(true), BACK_IN_TIME)
    expect(await isLetIn('carol')).toBe(false)
    const again = await online('alice')
    expect((await cli('client', 'revoke', 'alice')).code).toBe(0)
    expect(await again.ended()).toMatch(LEFT)
  })
})
