import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LoginBackoff } from '../../../src/server/login/login-backoff.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { addAccount, type PasswordServer, startPasswordServer } from '../../support/servers/password-server.ts'
import { Login } from '../../support/streams/external-login.ts'
import { attemptPassword, type PasswordAttempt } from '../../support/streams/scram-client.ts'

let now = 0
const MINUTE = 60_000

describe('LoginBackoff', () => {
  let backoff: LoginBackoff
  beforeEach(() => {
    backoff = new LoginBackoff(() => now)
  })
  const fail = (times: number, account: string, remote: (n: number) => string) => {
    for (let n = 0; n < times; n++) backoff.failed({ account, remote: remote(n) })
  }
  const here = () => '192.0.2.1:1'
  const everywhere = (n: number) => `198.51.${n >> 8}.${n & 255}:1`
  const wait = (account: string, remote: string) => backoff.wait({ account, remote })

  it('takes a whole /64 of IPv6 for one address, whatever the ports', () => {
    fail(6, 'alice', (n) => `2001:db8:1:2::${n}:5222`)
    expect(wait('alice', '2001:db8:1:2:ffff::1:1')).toBe(1_000)
    expect(wait('alice', '2001:db8:1:3::1:1')).toBe(0)
  })

  it('slows down the pair of account and address first', () => {
    fail(5, 'alice', here)
    expect(wait('alice', '192.0.2.1:2')).toBe(0)
    fail(1, 'alice', here)
    expect(wait('alice', '192.0.2.1:2')).toBe(1_000)
    expect(wait('alice', '192.0.2.2:1')).toBe(0)
    expect(wait('bob', '192.0.2.1:1')).toBe(0)
  })

  it('slows down an address that tries many accounts, also from a whole IPv6 network', () => {
    for (let n = 0; n < 31; n++) backoff.failed({ account: `user${n}`, remote: `2001:db8::${n.toString(16)}:1` })
    expect(wait('somebody', '2001:db8::ffff:1')).toBe(1_000)
    expect(wait('somebody', '2001:db8:0:1::1:1')).toBe(0)
  })

  it('never lets anybody wait longer than a minute', () => {
    fail(200, 'alice', here)
    expect(wait('alice', here())).toBe(MINUTE)
  })

  it('slows down an account that is tried from everywhere, by seconds', () => {
    fail(100, 'alice', everywhere)
    expect(wait('alice', here())).toBe(0)
    fail(100, 'alice', everywhere)
    expect(wait('alice', here())).toBe(10_000)
  })

  it('does not lock out the owner, who has been here before', () => {
    backoff.succeeded({ account: 'alice', remote: here() })
    fail(500, 'alice', everywhere)
    expect(wait('alice', '192.0.2.1:99')).toBe(0)
    expect(wait('alice', '192.0.2.2:99')).toBe(10_000)
  })

  it('forgives a pair that has succeeded, and not its address', () => {
    fail(20, 'alice', here)
    backoff.succeeded({ account: 'alice', remote: here() })
    expect(wait('alice', here())).toBe(0)
    fail(11, 'bob', here)
    expect(wait('alice', here())).toBeGreaterThan(0)
  })
})

describe('a server under guesses', () => {
  const ca = new OpensslCa()
  const certificate = ca.issue({ extendedKeyUsage: 'clientAuth', subject: '/CN=alice', xmppAddrs: ['alice@localhost'] })
  let server: PasswordServer
  beforeEach(async () => {
    now = Date.now()
    server = await startPasswordServer({ ca, login: { now: () => new Date(now) } })
    await addAccount(server.accounts, 'bob@localhost', 'open sesame')
  })
  afterEach(() => server.stop())
  afterAll(() => ca.remove())

  /** On a connection of its own. */
  async function attempt(given: Partial<PasswordAttempt> = {}): Promise<string> {
    const { client } = await Login.begin(server, {})
    const told = await attemptPassword(client, { mechanism: 'SCRAM-SHA-256', ...given })
    client.destroy()
    return told
  }
  const guess = async (times: number, given: Partial<PasswordAttempt> = {}) => {
    const answers: string[] = []
    for (let n = 0; n < times; n++) answers.push(await attempt({ password: 'a guess', ...given }))
    return answers
  }

  it.each(['alice', 'nobody'])('makes the next guess at %s wait, on whatever connection', async (username) => {
    expect(await guess(6, { username })).toEqual(Array(6).fill('not-authorized'))
    expect(await guess(2, { username })).toEqual(Array(2).fill('temporary-auth-failure'))
    expect(await guess(1, { username, mechanism: 'PLAIN' })).toEqual(['temporary-auth-failure'])
    expect(server.log.find('login refused')).toMatchObject({ reason: expect.stringContaining(`${username}@localhost`) })
    // Guesses that come too early change nothing.
    now += 1_000
    expect(await guess(1, { username })).toEqual(['not-authorized'])
    expect(await guess(1, { username })).toEqual(['temporary-auth-failure'])
    now += 1_000
    expect(await guess(1, { username })).toEqual(['temporary-auth-failure'])
    now += 1_000
    expect(await guess(1, { username })).toEqual(['not-authorized'])
  })

  it('does not tell a right guess from a wrong one while it has to wait', async () => {
    await guess(6)
    expect(await attempt()).toBe('temporary-auth-failure')
    now += 1_000
    expect(await attempt()).toBe('success')
    expect(await guess(1)).toEqual(['not-authorized'])
  })

  it('answers only so many of those that have begun at once', async () => {
    for (const mechanism of ['SCRAM-SHA-256', 'PLAIN']) {
      now += 24 * 60 * MINUTE
      const answers = await Promise.all(Array.from({ length: 20 }, () => attempt({ mechanism, password: 'a guess' })))
      expect(answers.filter((told) => told === 'not-authorized')).toHaveLength(6)
      expect(answers.filter((told) => told === 'temporary-auth-failure')).toHaveLength(14)
    }
  })

  it('lets certificates and others log in meanwhile', async () => {
    await guess(10)
    const login = await Login.begin(server, { credentials: certificate })
    expect(await login.auth()).toBe('alice@localhost')
    login.client.destroy()
    expect(await attempt({ username: 'bob' })).toBe('success')
  })
})
