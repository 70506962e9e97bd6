import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { walkThrough } from '../../support/documents/walkthrough.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { attemptPassword } from '../../support/streams/scram-client.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'
import { PostgresServer } from '../databases/postgres-server.ts'

const PASSWORD = 'open sesame'

const cli = new CliHome()
let database: PostgresServer
let serve: ServeProcess | undefined
beforeAll(async () => {
  database = await PostgresServer.start()
  walkThrough(cli.folder, 2048)
  writeFileSync(cli.path('password'), `${PASSWORD}\n`, { mode: 0o600 })
  expect((await cli.run(['ca', 'init', '--domain', 'localhost', '--no-passphrase'])).code).toBe(0)
})
afterEach(async () => {
  await serve?.stop()
})
afterAll(async () => {
  cli.remove()
  await database.remove()
})

const STORES = {
  SQLite: async () => '',
  PostgreSQL: async () => {
    const url = database.url(await database.createDatabase())
    writeFileSync(cli.path('database.url'), `${url}\n`, { mode: 0o600 })
    return '\n[store]\nurl_file = "database.url"\n'
  },
}

/** A server with an example of the guide as its configuration. @returns its port */
async function start(example: string, store: string): Promise<number> {
  const guide = readFileSync(new URL(`../../config/mongooseim/fixtures/${example}.cfg`, import.meta.url), 'utf8')
  writeFileSync(cli.path('mongooseim.cfg'), guide.replace('/path/to/ca.pem', 'rootCA.crt'))
  const { code, stdout, stderr } = await cli.run(['config', 'import', 'mongooseim.cfg'])
  expect(code, stderr).toBe(0)
  writeFileSync(cli.path('imported.toml'), `${stdout}${store}`)
  serve = new ServeProcess(['--home', cli.home, '--config', cli.path('imported.toml'), '--host', '127.0.0.1'])
  return (await serve.listening()).port
}

/** The client of the guide, with its username in the Common Name. */
async function byCertificate(port: number): Promise<string> {
  const credentials = {
    cert: readFileSync(cli.path('client.crt'), 'utf8'),
    key: readFileSync(cli.path('client.key'), 'utf8'),
  }
  const client = await RawClient.secured({ port, credentials })
  client.send(external())
  const answer = await client.receive(/<(success|failure)[^>]*>/)
  client.destroy()
  return answer.startsWith('<success') ? 'success' : answer
}

async function byPassword(port: number, username: string, password = PASSWORD): Promise<string> {
  const client = await RawClient.secured({ port })
  const told = await attemptPassword(client, { mechanism: 'SCRAM-SHA-256', username, password })
  client.destroy()
  return told
}

describe.each(Object.entries(STORES))('the examples of the guide, accounts in %s', (_, store) => {
  it('certificates only: the certificate gets in, and nobody with a password', async () => {
    const port = await start('guide-certificate', await store())
    expect(await byCertificate(port)).toBe('success')
    expect(await byPassword(port, 'carol')).toBe('invalid-mechanism')
  })

  it('certificate or password: each gets in, and no account is needed for the certificate', async () => {
    const port = await start('guide-certificate-or-password', await store())
    const account = ['carol', '--password-file', cli.path('password'), '--config', cli.path('imported.toml')]
    const added = await cli.run(['user', 'add', ...account])
    expect(added.code, added.stderr).toBe(0)
    expect(await byCertificate(port)).toBe('success')
    expect(await byPassword(port, 'carol')).toBe('success')
    expect(await byPassword(port, 'carol', 'close sesame')).toBe('not-authorized')
    expect(await byPassword(port, 'nobody')).toBe('not-authorized')
  })
})
