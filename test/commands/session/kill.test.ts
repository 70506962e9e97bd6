import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SessionListResult } from '../../../src/commands/session/list.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { type Listening, ServeProcess } from '../../support/processes/serve.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'

let cli: CliHome
let serve: ServeProcess
let place: Listening

beforeAll(async () => {
  cli = new CliHome()
  await cli.run(['ca', 'init', '--no-passphrase'])
  await cli.run(['client', 'issue', 'alice', 'bob'])
  serve = new ServeProcess(['--home', cli.home])
  place = await serve.listening()
})
afterAll(async () => {
  await serve.stop()
  cli.remove()
})

function online(user: string, resource: string): Promise<RawClient> {
  const file = (ending: string) =>
    readFileSync(join(cli.home, 'clients', 'localhost', user, `${user}.${ending}`), 'utf8')
  return RawClient.online({ port: place.port, credentials: { key: file('key'), cert: file('crt') }, resource })
}

async function list(...args: string[]): Promise<SessionListResult['sessions']> {
  const { code, stdout } = await cli.run(['session', 'list', '--json', ...args])
  expect(code).toBe(0)
  return (JSON.parse(stdout) as SessionListResult).sessions
}

describe('session list and session kill', () => {
  it('shows who is logged in, and ends one session, then all of an account', async () => {
    expect(await list()).toEqual([])
    const [phone, desk, bob] = [await online('alice', 'phone'), await online('alice', 'desk'), await online('bob', 'x')]
    const clients = JSON.parse((await cli.run(['client', 'list', '--json'])).stdout).clients
    const alice = clients.find(({ jid }: { jid: string }) => jid === 'alice@localhost')
    const [first, ...others] = await list('alice@localhost')
    expect(first).toEqual({
      jid: 'alice@localhost/phone',
      resource: 'phone',
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      tls: 'TLSv1.3',
      mechanism: 'EXTERNAL',
      serial: alice.serial,
      remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    })
    expect(others.map(({ jid }) => jid)).toEqual(['alice@localhost/desk'])

    const one = await cli.run(['session', 'kill', 'alice@localhost/phone'])
    expect(one).toMatchObject({ code: 0, stdout: 'ended alice@localhost/phone\n' })
    expect(await phone.ended()).toContain('<policy-violation')
    expect((await list()).map(({ jid }) => jid)).toEqual(['alice@localhost/desk', 'bob@localhost/x'])

    const all = await cli.run(['session', 'kill', 'alice@localhost', '--json'])
    expect(JSON.parse(all.stdout)).toEqual({ killed: ['alice@localhost/desk'] })
    expect(await desk.ended()).toContain('<policy-violation')
    expect((await list()).map(({ jid }) => jid)).toEqual(['bob@localhost/x'])
    const nobody = await cli.run(['session', 'kill', 'alice@localhost'])
    expect(nobody).toMatchObject({ code: 4, stderr: expect.stringContaining('alice@localhost is not logged in') })
    expect((await cli.run(['session', 'list'])).stdout).toMatch(/^JID .*\nbob@localhost\/x .*EXTERNAL/)
    await cli.run(['session', 'kill', 'bob@localhost'])
    await bob.ended()
  })

  it.each([
    ['session', 'kill', 'localhost'],
    ['session', 'list', 'not a jid@@'],
  ])('refuses what is not an address: %s %s %s', async (...args) => {
    expect((await cli.run(args)).code).toBe(2)
  })
})
