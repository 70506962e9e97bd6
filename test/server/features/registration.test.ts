import { afterAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { verifyPassword } from '../../../src/xmpp/sasl/scram-credentials.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { type PasswordServerOptions, passwordServers } from '../../support/servers/password-server.ts'
import type { TestServer } from '../../support/servers/server.ts'
import { Login } from '../../support/streams/external-login.ts'
import { attemptPassword } from '../../support/streams/scram-client.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const certificate = ca.issue({ extendedKeyUsage: 'clientAuth', subject: '/CN=alice', xmppAddrs: ['alice@localhost'] })
afterAll(() => ca.remove())

const servers = passwordServers(ca)
const start = (given: PasswordServerOptions = {}) =>
  servers({ ...given, means: { registration: true, ...given.means } })

const query = (children: string) => `<query xmlns='jabber:iq:register'>${children}</query>`
const iq = (type: 'get' | 'set', children: string, to = 'localhost') =>
  `<iq type='${type}' id='r' to='${to}'>${query(children)}</iq>`
const wish = (username: string, password: string) => `<username>${username}</username><password>${password}</password>`

/** `result`, or the condition of the error. */
async function ask(client: RawClient, text: string): Promise<string> {
  client.send(text)
  const answer = await client.receive(/<iq [^>]*?(?:\/>|>.*?<\/iq>)/s)
  return /type="result"/.test(answer) ? 'result' : answer.replace(/^.*<error [^>]*><([\w-]+).*$/s, '$1')
}

/** A session of alice that has logged in with the password. */
async function online(server: TestServer, resource: string): Promise<RawClient> {
  const { client } = await Login.begin(server, {})
  await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })
  await client.open()
  await client.bind(resource)
  return client
}

/** What a stranger is told who wants to have this name. */
async function register(server: TestServer, username: string): Promise<string> {
  const { client } = await Login.begin(server, {})
  const told = await ask(client, iq('set', wish(username, 'correct horse')))
  client.destroy()
  return told
}

describe('a name for which there is a certificate', () => {
  it.each([
    { state: 'issued', given: {} },
    { state: 'revoked', given: { revokedAt: 1, revocationReason: 'superseded' } },
    { state: 'expired', given: { notAfter: 0 } },
    { state: 'of another device', given: { device: 'phone' } },
  ])('is not free, account or not: $state', async ({ given }) => {
    const server = await start({ certificates: 'account' })
    server.ledger.transaction((insert) => insert(issuedRecord({ serial: 'a1', name: 'bob@localhost', ...given })))
    for (const name of ['bob', 'BOB']) expect(await register(server, name)).toBe('conflict')
    expect(await server.accounts.find('bob@localhost')).toBeUndefined()
    expect(await register(server, 'carol')).toBe('result')
  })

  it('is not free when it has been enrolled', async () => {
    const server = await start({ certificates: 'account' })
    const enrolled = { account: 'bob@localhost', label: 'x', fingerprint: 'f', certificate: '', mayManage: true }
    server.ledger.transaction((_insert, changes) => changes.enrol({ ...enrolled, enrolledAt: 1, notAfter: 2 }))
    expect(await register(server, 'bob')).toBe('conflict')
  })

  it('is not free when somebody has logged in with it by any CA, also at another server, and after its account', async () => {
    const server = await start({ certificates: 'account' })
    const client = await RawClient.online({ port: server.port, credentials: certificate })
    await server.accounts.delete('alice@localhost')
    expect(await register(server, 'alice')).toBe('conflict')
    client.destroy()
    await server.server.stop()
    const other = await start({ accounts: server.accounts })
    expect(await register(other, 'alice')).toBe('conflict')
    expect(await register(other, 'bob')).toBe('result')
  })
})

describe('registration before the login (XEP-0077 §3.1)', () => {
  it('is announced, says what it wants, makes an account, and logs in to it', async () => {
    const server = await start()
    const { client, features } = await Login.begin(server, {})
    expect(features).toContain('<register xmlns="http://jabber.org/features/iq-register"/>')
    client.send(iq('get', ''))
    const form = await client.receive(/<iq .*?<\/iq>/s)
    expect(form).toMatch(/<username\/>.*<password\/>/)
    expect(form).not.toContain('<registered')
    expect(await ask(client, iq('set', wish('Bob', 'correct horse')))).toBe('result')
    const account = await server.accounts.find('bob@localhost')
    expect(Object.keys(account?.keys ?? {})).toEqual(['sha-1', 'sha-256', 'sha-512'])
    const login = { mechanism: 'SCRAM-SHA-256-PLUS', username: 'bob', password: 'correct horse' }
    expect(await attemptPassword(client, login)).toBe('success')
    expect(server.log.find('account registered')).toMatchObject({ account: 'bob@localhost' })
    expect(JSON.stringify(server.log.lines)).not.toContain('correct horse')
    client.destroy()
  })

  it.each([
    ['a name that is taken', wish('alice', 'x'), 'conflict'],
    ['a name that is taken, in capitals', wish('ALICE', 'x'), 'conflict'],
    ['no password', '<username>bob</username>', 'not-acceptable'],
    ['an empty password', wish('bob', ''), 'not-acceptable'],
    ['an empty username', wish('', 'x'), 'not-acceptable'],
    ['two usernames', `<username>bob</username>${wish('eve', 'x')}`, 'not-acceptable'],
    ['nothing', '', 'not-acceptable'],
    ['a password that SASLprep refuses', wish('bob', '\u0221'), 'not-acceptable'],
    ['a password that is too long', wish('bob', 'x'.repeat(1_024)), 'not-acceptable'],
    ['a name with a space', wish('bob the builder', 'x'), 'jid-malformed'],
    ['a name with a slash', wish('bob/x', 'x'), 'jid-malformed'],
    ['a whole address', wish('bob@localhost', 'x'), 'jid-malformed'],
    ['an address elsewhere', wish('bob@elsewhere.example', 'x'), 'jid-malformed'],
    ['the removal of an account', '<remove/>', 'unexpected-request'],
  ])('refuses %s', async (_, children, condition) => {
    const server = await start()
    const { client } = await Login.begin(server, {})
    expect(await ask(client, iq('set', children))).toBe(condition)
    expect(await server.accounts.list()).toHaveLength(1)
    // The stream goes on.
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })).toBe('success')
    client.destroy()
  })

  it('makes one account for a stream', async () => {
    const server = await start()
    const { client } = await Login.begin(server, {})
    expect(await ask(client, iq('set', wish('bob', 'x')))).toBe('result')
    expect(await ask(client, iq('set', wish('eve', 'x')))).toBe('not-acceptable')
    client.destroy()
  })

  it('makes no more accounts of a domain than there may be', async () => {
    const server = await start({ means: { maxPerDomain: 2 } })
    for (const [name, told] of [
      ['bob', 'result'],
      ['eve', 'not-allowed'],
    ] as const) {
      const { client } = await Login.begin(server, {})
      expect(await ask(client, iq('set', wish(name, 'x')))).toBe(told)
      client.destroy()
    }
  })

  it('makes no more accounts at a time for an address than a household needs', async () => {
    let now = Date.now()
    const server = await start({ login: { now: () => new Date(now) } })
    const register = async (name: string) => {
      const { client } = await Login.begin(server, {})
      const told = await ask(client, iq('set', wish(name, 'x')))
      client.destroy()
      return told
    }
    const told: string[] = []
    for (const name of ['a', 'b', 'c', 'alice', 'd', 'e', 'f', 'g']) told.push(await register(name))
    expect(told.slice(0, 6)).toEqual(['result', 'result', 'result', 'conflict', 'result', 'result'])
    expect(told.slice(6)).toEqual(['resource-constraint', 'resource-constraint'])
    now += 10_000
    expect(await register('f')).toBe('result')
  })

  it('is not there when it is turned off (XEP-0077 §3.1)', async () => {
    const server = await start({ means: { registration: false } })
    const { client, features } = await Login.begin(server, {})
    expect(features).not.toContain('iq-register')
    expect(await ask(client, iq('get', ''))).toBe('service-unavailable')
    expect(await ask(client, iq('set', wish('bob', 'x')))).toBe('service-unavailable')
    expect(await server.accounts.find('bob@localhost')).toBeUndefined()
    client.destroy()
  })

  it('is not for another host, nor without an id', async () => {
    const server = await start()
    const { client } = await Login.begin(server, {})
    expect(await ask(client, iq('set', wish('bob', 'x'), 'elsewhere.example'))).toBe('service-unavailable')
    expect(await ask(client, `<iq type='set'>${query(wish('bob', 'x'))}</iq>`)).toBe('bad-request')
    client.destroy()
  })

  it('is never in the clear', async () => {
    const server = await start({ startTls: 'offered' })
    const client = await RawClient.plain({ port: server.port })
    expect(await client.open()).not.toContain('iq-register')
    client.send(iq('set', wish('bob', 'x')))
    expect(await client.ended()).toMatch(/<stream:error><not-authorized/)
    expect(await server.accounts.find('bob@localhost')).toBeUndefined()
  })

  it('says that it cannot, when the store is not there', async () => {
    const server = await start()
    server.accounts.create = async () => {
      throw new XmppkiError('UNAVAILABLE', 'the database does not answer')
    }
    const { client } = await Login.begin(server, {})
    expect(await ask(client, iq('set', wish('bob', 'x')))).toBe('resource-constraint')
    expect(server.log.find('the accounts cannot be changed')).toMatchObject({ level: 'error' })
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })).toBe('success')
    client.destroy()
  })
})

describe('another password (XEP-0077 §3.3)', () => {
  it.each(['localhost', 'alice@localhost'])('is set by whoever has logged in with the old one, at %s', async (to) => {
    const server = await start({ means: { registration: false } })
    const client = await online(server, 'desk')
    expect(await ask(client, iq('set', wish('alice', 'correct horse'), to))).toBe('result')
    const { keys = {} } = (await server.accounts.find('alice@localhost')) ?? {}
    expect(await verifyPassword('correct horse', keys)).toBe(true)
    expect(await verifyPassword('open sesame', keys)).toBe(false)
    expect(JSON.stringify(server.log.lines)).not.toContain('correct horse')
    client.destroy()
  })

  it.each([
    ['of somebody else', wish('bob', 'x'), 'not-allowed'],
    ['of the same name elsewhere', wish('alice@elsewhere.example', 'x'), 'not-allowed'],
    ['without username', '<password>x</password>', 'bad-request'],
    ['that is empty', wish('alice', ''), 'bad-request'],
    ['that SASLprep refuses', wish('alice', '\u0221'), 'not-acceptable'],
  ])('%s is refused', async (_, children, condition) => {
    const server = await start()
    const client = await online(server, 'desk')
    expect(await ask(client, iq('set', children))).toBe(condition)
    const { keys = {} } = (await server.accounts.find('alice@localhost')) ?? {}
    expect(await verifyPassword('open sesame', keys)).toBe(true)
    client.destroy()
  })

  it('is the last of those that were sent at once', async () => {
    const server = await start()
    const client = await online(server, 'r')
    const passwords = ['one horse', 'two horses', 'three horses']
    client.send(passwords.map((password) => iq('set', wish('alice', password))).join(''))
    for (const _ of passwords) await client.receive(/<iq type="result" id="r"[^>]*>/)
    const { keys = {} } = (await server.accounts.find('alice@localhost')) ?? {}
    expect(await Promise.all(passwords.map((password) => verifyPassword(password, keys)))).toEqual([false, false, true])
    client.destroy()
  })

  it('is refused to a session that has logged in with a certificate (XEP-0257 §7)', async () => {
    const server = await start()
    const client = await RawClient.online({ port: server.port, credentials: certificate })
    expect(await ask(client, iq('set', wish('alice', 'x')))).toBe('not-authorized')
    expect(await ask(client, iq('set', '<remove/>'))).toBe('not-authorized')
    client.destroy()
  })

  it('is refused in the clear', async () => {
    const server = await start({ startTls: 'offered' })
    const client = await RawClient.plain({ port: server.port })
    await client.open()
    await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })
    await client.open()
    await client.bind()
    expect(await ask(client, iq('set', wish('alice', 'x')))).toBe('not-authorized')
    client.destroy()
  })

  it('is not set too often', async () => {
    const now = new Date()
    const server = await start({ login: { now: () => now } })
    const client = await online(server, 'desk')
    const told: string[] = []
    for (let n = 0; n < 7; n++) told.push(await ask(client, iq('set', wish('alice', `x${n}`))))
    expect(told).toEqual([...Array(6).fill('result'), 'resource-constraint'])
    client.destroy()
  })

  it('is announced and asked about', async () => {
    const server = await start()
    const client = await online(server, 'desk')
    client.send("<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    expect(await client.receive(/<iq .*?<\/iq>/s)).toContain('<feature var="jabber:iq:register"/>')
    client.send(iq('get', ''))
    expect(await client.receive(/<iq .*?<\/iq>/s)).toMatch(/<registered\/>.*<username>alice<\/username><password\/>/)
    client.destroy()
  })

  it('is not for a server without passwords', async () => {
    const server = await start()
    const { passwords: _, ...without } = server.options
    await server.server.update(without)
    const client = await RawClient.online({ port: server.port, credentials: certificate })
    client.send("<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    expect(await client.receive(/<iq .*?<\/iq>/s)).not.toContain('jabber:iq:register')
    expect(await ask(client, iq('set', wish('alice', 'x')))).toBe('service-unavailable')
    client.destroy()
  })
})

describe('the end of an account (XEP-0077 §3.2)', () => {
  it('is answered, and ends its sessions, also those that have not bound a resource', async () => {
    const server = await start()
    const [desk, phone] = [await online(server, 'desk'), await online(server, 'phone')]
    const { client: unbound } = await Login.begin(server, {})
    await attemptPassword(unbound, { mechanism: 'SCRAM-SHA-256' })
    await unbound.open()
    desk.send(iq('set', '<remove/>'))
    await desk.receive(/<iq [^>]*type="result"[^>]*\/>/)
    for (const client of [desk, phone, unbound]) {
      expect(await client.ended()).toMatch(/<stream:error><not-authorized/)
    }
    expect(await server.accounts.find('alice@localhost')).toBeUndefined()
    const { client } = await Login.begin(server, {})
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })).toBe('not-authorized')
    client.destroy()
  })

  it('needs <remove/> alone', async () => {
    const server = await start()
    const client = await online(server, 'desk')
    expect(await ask(client, iq('set', `<remove/>${wish('alice', 'x')}`))).toBe('bad-request')
    client.destroy()
  })

  it('is not for where nobody could come back', async () => {
    const server = await start({ means: { registration: false } })
    const client = await online(server, 'desk')
    expect(await ask(client, iq('set', '<remove/>'))).toBe('not-allowed')
    expect(await server.accounts.find('alice@localhost')).toBeDefined()
    client.destroy()
  })
})
