import { generateKeyPairSync } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { plainTrust } from '../../../src/server/net/client-trust.ts'
import { DEFAULT_TLS, type LoginMethod } from '../../../src/server/net/listener.ts'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { idBy, OpensslCa } from '../../support/certificates/certificates.ts'
import { ALL_SCRAM, addAccount, passwordServers } from '../../support/servers/password-server.ts'
import type { TestServer } from '../../support/servers/server.ts'
import { Login, secured, VARIANTS } from '../../support/streams/external-login.ts'
import {
  attemptPassword,
  authElement,
  clientBinding,
  type PasswordAttempt,
  scramFirst,
} from '../../support/streams/scram-client.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const alice = ca.issue({ extendedKeyUsage: 'clientAuth', subject: '/CN=alice', xmppAddrs: ['alice@localhost'] })
const carol = ca.issue({ extendedKeyUsage: 'clientAuth', subject: '/CN=carol', xmppAddrs: ['carol@localhost'] })
afterAll(() => ca.remove())

const start = passwordServers(ca)

const bindingsIn = (features: string) =>
  [...features.matchAll(/<channel-binding type="(.*?)"/g)].map(([, type]) => type)
const offeredBySasl2 = (features: string) => {
  const [, list = ''] = /<authentication [^>]*>(.*)<\/authentication>/.exec(features) ?? []
  return [...list.matchAll(/<mechanism>(.*?)<\/mechanism>/g)].map(([, name]) => name)
}

/** One attempt on a connection of its own. */
async function tryAt(server: TestServer, attempt: PasswordAttempt, variant = VARIANTS[0] as (typeof VARIANTS)[number]) {
  const { client } = await Login.begin(server, { variant })
  const told = await attemptPassword(client, attempt)
  client.destroy()
  return told
}

const PLUS = ALL_SCRAM.filter((name) => name.endsWith('-PLUS'))
const WITHOUT = ALL_SCRAM.filter((name) => !name.endsWith('-PLUS'))
const IN_ORDER = [...PLUS, ...WITHOUT, 'PLAIN']

describe.each(VARIANTS)('over $transport, $version', (variant) => {
  const types = variant.version === 'TLSv1.3' ? ['tls-exporter', 'tls-server-end-point'] : ['tls-server-end-point']

  it('offers what can succeed, best first, and what can be bound to (RFC 6120 §6.3.4, XEP-0440)', async () => {
    const server = await start()
    const login = await Login.begin(server, { variant })
    expect(login.offered).toEqual(IN_ORDER)
    expect(offeredBySasl2(login.features)).toEqual(IN_ORDER)
    expect(bindingsIn(login.features)).toEqual(types)
    login.client.destroy()
    const withCertificate = await Login.begin(server, { variant, credentials: carol })
    expect(withCertificate.offered).toEqual(['EXTERNAL', ...IN_ORDER])
    withCertificate.client.destroy()
  })

  describe.each(['SASL', 'SASL2'] as const)('%s', (profile) => {
    it('logs in with every mechanism, and with no wrong password', async () => {
      const server = await start()
      for (const mechanism of IN_ORDER) {
        for (const type of mechanism.endsWith('-PLUS') ? types : ['none']) {
          expect([mechanism, type, await tryAt(server, { profile, mechanism, type }, variant)]).toEqual([
            mechanism,
            type,
            'success',
          ])
        }
      }
      const [wrong = ''] = PLUS
      for (const mechanism of [wrong, 'SCRAM-SHA-1', 'PLAIN']) {
        const attempt = { profile, mechanism, password: 'close sesame', type: 'tls-server-end-point' }
        expect(await tryAt(server, attempt, variant)).toBe('not-authorized')
      }
    })
  })
})

describe('a login with a password', () => {
  it('leads to a bound session, which is listed without a certificate', async () => {
    const server = await start()
    const { client } = await Login.begin(server, { credentials: carol })
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256-PLUS' })).toBe('success')
    await client.open()
    expect(await client.bind('desk')).toBe('alice@localhost/desk')
    // The certificate of somebody else was there, and nobody has asked for it.
    expect(server.server.sessions()).toMatchObject([
      { jid: 'alice@localhost/desk', mechanism: 'SCRAM-SHA-256-PLUS', serial: undefined, tls: 'TLSv1.3' },
    ])
    await server.server.update(server.options)
    client.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await client.receive(/<iq [^>]*type="result"[^>]*id="p"/)
    client.destroy()
  })

  it('leads to a bound session in one step with SASL2 (XEP-0386)', async () => {
    const server = await start()
    const { client } = await Login.begin(server, {})
    const inline = "<bind xmlns='urn:xmpp:bind:0'><tag>desk</tag></bind>"
    expect(await attemptPassword(client, { profile: 'SASL2', mechanism: 'SCRAM-SHA-512-PLUS', inline })).toBe('success')
    expect(server.server.sessions()).toMatchObject([{ mechanism: 'SCRAM-SHA-512-PLUS' }])
    client.destroy()
  })

  it.each([
    ['alice', 'success'],
    ['ALICE', 'success'],
    ['alice@localhost', 'success'],
    ['alice@elsewhere.example', 'not-authorized'],
    ['bob', 'not-authorized'],
    ['two words', 'not-authorized'],
  ])('as %s: %s, by SCRAM and PLAIN', async (username, told) => {
    const server = await start()
    for (const mechanism of ['SCRAM-SHA-256', 'PLAIN']) {
      expect(await tryAt(server, { mechanism, username })).toBe(told)
    }
  })

  it.each([
    ['alice@localhost', 'success'],
    ['alice', 'success'],
    ['ALICE', 'success'],
    ['bob', 'invalid-authzid'],
    ['bob@localhost', 'invalid-authzid'],
    ['alice@elsewhere.example', 'invalid-authzid'],
  ])('with the authzid %s: %s (RFC 6120 §6.3.8), in both profiles', async (authzid, told) => {
    const server = await start()
    for (const profile of ['SASL', 'SASL2'] as const) {
      for (const mechanism of ['SCRAM-SHA-256', 'PLAIN']) {
        expect([profile, mechanism, await tryAt(server, { profile, mechanism, authzid })]).toEqual([
          profile,
          mechanism,
          told,
        ])
      }
    }
  })

  it('does not log in to an account without password', async () => {
    const server = await start()
    await addAccount(server.accounts, 'robot@localhost')
    for (const mechanism of ['SCRAM-SHA-256', 'PLAIN']) {
      expect(await tryAt(server, { mechanism, username: 'robot', password: '' })).not.toBe('success')
      expect(await tryAt(server, { mechanism, username: 'robot' })).toBe('not-authorized')
    }
  })

  it('needs keys of that hash', async () => {
    const server = await start()
    const account = (await server.accounts.find('alice@localhost'))!
    const { 'sha-1': only } = account.keys
    await server.accounts.setKeys(account.jid, { 'sha-1': only! }, 2)
    expect(await tryAt(server, { mechanism: 'SCRAM-SHA-256' })).toBe('not-authorized')
    // Otherwise the operator would look for it in vain.
    expect(server.log.find('login refused')).toMatchObject({ reason: expect.stringContaining('auth.password.hash') })
    expect(await tryAt(server, { mechanism: 'SCRAM-SHA-1' })).toBe('success')
    expect(await tryAt(server, { mechanism: 'PLAIN' })).toBe('success')
  })

  it('fails when the account is removed, or gets another password, during the exchange', async () => {
    for (const change of ['remove', 'change'] as const) {
      const server = await start()
      const accounts = server.accounts
      const find = accounts.find.bind(accounts)
      let finds = 0
      accounts.find = async (jid) => {
        finds += 1
        const found = await find(jid)
        // After the keys were read for the challenge.
        if (finds === 1 && change === 'remove') await accounts.delete(jid)
        if (finds === 1 && change === 'change') {
          await accounts.delete(jid)
          await addAccount(accounts, jid, 'open sesame')
        }
        return found
      }
      expect(await tryAt(server, { mechanism: 'SCRAM-SHA-256' })).toBe('not-authorized')
    }
  })

  it('goes on with another attempt on the same stream, three at most (RFC 6120 §6.4.5)', async () => {
    const server = await start()
    const { client } = await Login.begin(server, {})
    expect(await attemptPassword(client, { mechanism: 'PLAIN', password: 'x' })).toBe('not-authorized')
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-1', password: 'x' })).toBe('not-authorized')
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-1' })).toBe('success')
    client.destroy()
    const other = (await Login.begin(server, {})).client
    for (let attempt = 0; attempt < 3; attempt++) await attemptPassword(other, { mechanism: 'PLAIN', password: 'x' })
    expect(await other.ended()).toMatch(/<policy-violation/)
  })

  it('never writes a password into the log', async () => {
    const server = await start()
    for (const mechanism of ['SCRAM-SHA-256', 'PLAIN']) {
      await tryAt(server, { mechanism, password: 'a-secret-nobody-may-see' })
      expect(JSON.stringify(server.log.lines)).not.toContain('a-secret-nobody-may-see')
      expect(server.log.find('login refused')).toMatchObject({ reason: 'alice@localhost: wrong password' })
    }
  })
})

describe('a name that nobody has', () => {
  async function challengeFor(server: TestServer, username: string, mechanism = 'SCRAM-SHA-256') {
    const { client } = await Login.begin(server, {})
    const { header, bare } = scramFirst({ mechanism, username })
    client.send(authElement('SASL', mechanism, header + bare))
    const challenge = await client.receive(/<challenge[^>]*>.*?<\/challenge>/)
    client.destroy()
    const text = Buffer.from(challenge.replace(/^<[^>]*>|<.*$/g, ''), 'base64').toString()
    const [, salt = '', iterations = ''] = /,s=([^,]+),i=(\d+)$/.exec(text) ?? []
    return { salt, bytes: Buffer.from(salt, 'base64').length, iterations }
  }

  it('gets a salt like any other, the same every time, and another one for every hash and name', async () => {
    const server = await start()
    const known = await challengeFor(server, 'alice')
    const [first, second, capital] = [
      await challengeFor(server, 'nobody'),
      await challengeFor(server, 'nobody'),
      await challengeFor(server, 'NOBODY'),
    ]
    expect(first).toEqual(second)
    expect(first).toEqual(capital)
    expect({ ...first, salt: '' }).toEqual({ ...known, salt: '' })
    const others = [await challengeFor(server, 'no-one'), await challengeFor(server, 'nobody', 'SCRAM-SHA-1')]
    expect(new Set([first, ...others].map(({ salt }) => salt)).size).toBe(3)
    // Another server, or the same one after a restart.
    const sharing = await start({ accounts: server.accounts })
    expect(await challengeFor(sharing, 'nobody')).toEqual(first)
  })

  it('costs the store the same as a wrong password', async () => {
    const server = await start()
    const asked: string[] = []
    const find = server.accounts.find.bind(server.accounts)
    server.accounts.find = (jid) => {
      asked.push(jid)
      return find(jid)
    }
    for (const mechanism of ['SCRAM-SHA-256', 'PLAIN']) {
      for (const username of ['alice', 'nobody']) {
        expect(await tryAt(server, { mechanism, username, password: 'x' })).toBe('not-authorized')
      }
    }
    expect(asked).toEqual(['alice@localhost', 'nobody@localhost', 'alice@localhost', 'nobody@localhost'])
  })
})

describe('what is offered', () => {
  it.each([
    { mechanisms: ['SCRAM-SHA-1'], offered: ['SCRAM-SHA-1'], types: 0 },
    { mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'], offered: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'], types: 2 },
    { mechanisms: ['PLAIN'], offered: ['PLAIN'], types: 0 },
    { mechanisms: [], offered: [], types: 0 },
  ])('of $mechanisms: $offered, and channel binding only with -PLUS (XEP-0440 §3)', async (row) => {
    const server = await start({ mechanisms: row.mechanisms })
    const login = await Login.begin(server, {})
    expect(login.offered).toEqual(row.offered)
    expect(bindingsIn(login.features)).toHaveLength(row.types)
    login.client.destroy()
  })

  it('is nothing before TLS is required, and SCRAM without -PLUS where it is not', async () => {
    for (const [startTls, offered] of [
      ['required', []],
      ['offered', WITHOUT],
    ] as const) {
      const server = await start({ startTls })
      const client = await RawClient.plain({ port: server.port })
      const login = new Login(client, await client.open(), server)
      expect(login.offered).toEqual(offered)
      expect(login.features).not.toContain('sasl-channel-binding')
      client.destroy()
    }
  })

  it('refuses PLAIN in the clear, however it is asked for (RFC 4616 §4)', async () => {
    const server = await start({ startTls: 'offered' })
    const client = await RawClient.plain({ port: server.port })
    await client.open()
    expect(await attemptPassword(client, { mechanism: 'PLAIN' })).toBe('not-authorized')
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256', flag: 'y' })).toBe('success')
    client.destroy()
  })

  it('is what an update says, for those who are connected as well', async () => {
    const server = await start()
    const { client } = await Login.begin(server, {})
    const { passwords: _, ...without } = server.options
    await server.server.update(without)
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })).toBe('not-authorized')
    client.destroy()
    const late = await Login.begin(server, {})
    expect(late.offered).toEqual([])
    expect(await attemptPassword(late.client, { mechanism: 'SCRAM-SHA-256' })).toBe('invalid-mechanism')
    late.client.destroy()
  })
})

describe('a session that has logged in', () => {
  it.each([
    { taken: 'passwords', options: { passwords: undefined }, ended: 'password' },
    { taken: 'certificates', options: { certificates: 'none' }, ended: 'certificate' },
    { taken: 'certificates without an account', options: { certificates: 'account' }, ended: 'certificate' },
  ] as const)('ends when $taken are not accepted any more, and the other stays', async ({ options, ended }) => {
    const server = await start()
    const { client: password } = await Login.begin(server, {})
    await attemptPassword(password, { mechanism: 'SCRAM-SHA-256' })
    await password.open()
    await password.bind()
    const certificate = await RawClient.online({ port: server.port, credentials: carol })
    const { passwords: _, ...without } = server.options
    const next = ended === 'password' ? without : { ...server.options, ...options }
    await server.server.update(next)
    const [gone, stays] = ended === 'password' ? [password, certificate] : [certificate, password]
    expect(await gone.ended()).toMatch(/<stream:error><reset /)
    stays.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await stays.receive(/<iq [^>]*id="p"/)
    stays.destroy()
  })
})

describe('an update', () => {
  it('asks a store that is away once, and not for every session', async () => {
    const server = await start()
    for (const [name, credentials] of [
      ['alice', alice],
      ['carol', carol],
    ] as const) {
      await addAccount(server.accounts, `${name}@localhost`)
      await RawClient.online({ port: server.port, credentials })
    }
    let finds = 0
    server.accounts.find = async () => {
      finds += 1
      throw new XmppkiError('UNAVAILABLE', 'the database does not answer')
    }
    await server.server.update({ ...server.options, certificates: 'account' })
    expect({ finds, online: server.server.online }).toEqual({ finds: 1, online: 2 })
  })
})

describe('a listener', () => {
  it('that takes less from now on keeps nobody who could not come again', async () => {
    const endpoint = (methods: LoginMethod[]) => ({ host: '127.0.0.1', port: 0, mode: 'tls' as const, methods })
    const server = await start({ endpoints: [endpoint(['certificate', 'password']), endpoint(['password'])] })
    const [port = 0, other = 0] = server.server.ports
    const byPassword = async (at: number) => {
      const client = await RawClient.direct({ port: at })
      await client.open()
      expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })).toBe('success')
      await client.open()
      await client.bind()
      return client
    }
    const [ended, kept] = [await byPassword(port), await byPassword(other)]
    const carols = await RawClient.direct({ port, credentials: carol })
    await carols.open()
    carols.send(external())
    await carols.receive(/<success/)
    await carols.open()
    await carols.bind()
    const waiting = await RawClient.direct({ port })
    expect(await waiting.open()).toContain('SCRAM-SHA-256')
    await server.server.update({
      ...server.options,
      endpoints: [endpoint(['certificate']), endpoint(['password'])],
    })
    expect(await ended.ended()).toContain('<reset')
    expect(await attemptPassword(waiting, { mechanism: 'SCRAM-SHA-256' })).toBe('not-authorized')
    expect([kept.isClosed, carols.isClosed, server.server.online]).toEqual([false, false, 2])
    await server.server.update({ ...server.options, endpoints: [endpoint(['password']), endpoint(['password'])] })
    expect(await carols.ended()).toContain('<reset')
    expect(server.server.online).toBe(1)
  })

  it.each([
    { methods: ['certificate'], offered: ['EXTERNAL'] },
    { methods: ['password'], offered: IN_ORDER },
    { methods: ['certificate', 'password'], offered: ['EXTERNAL', ...IN_ORDER] },
  ] as const)('for $methods takes nothing else', async ({ methods, offered }) => {
    const endpoint = { host: '127.0.0.1', port: 0, methods }
    const endpoints = [
      { ...endpoint, mode: 'starttls' as const },
      { ...endpoint, mode: 'tls' as const },
    ]
    const server = await start({ endpoints, means: { registration: true } })
    for (const variant of VARIANTS) {
      const login = await Login.begin(server, { credentials: alice, variant })
      expect(login.offered).toEqual(offered)
      const takesPasswords = offered.length > 1
      expect(login.features.includes('iq-register')).toBe(takesPasswords)
      const told = await attemptPassword(login.client, { mechanism: 'SCRAM-SHA-256' })
      expect(told).toBe(takesPasswords ? 'success' : 'invalid-mechanism')
      login.client.destroy()
    }
  })
})

describe('channel binding (RFC 5802 §6)', () => {
  it.each([
    ['the data of another connection', { bindingData: Buffer.alloc(32) }, 'not-authorized'],
    ['a type that is not there', { type: 'tls-server-keys', bindingData: Buffer.alloc(12) }, 'not-authorized'],
    ['y although -PLUS was offered', { mechanism: 'SCRAM-SHA-256', flag: 'y' }, 'not-authorized'],
    ['n', { mechanism: 'SCRAM-SHA-256', flag: 'n' }, 'success'],
    ['n with -PLUS', { flag: 'n' }, 'malformed-request'],
  ] as const)('%s', async (_, given, told) => {
    const server = await start()
    for (const profile of ['SASL', 'SASL2'] as const) {
      expect(await tryAt(server, { profile, mechanism: 'SCRAM-SHA-256-PLUS', ...given })).toBe(told)
    }
  })

  it.each(VARIANTS)('$transport, $version: takes tls-unique, and does not announce it', async (variant) => {
    const server = await start()
    const login = await Login.begin(server, { variant })
    expect(bindingsIn(login.features)).not.toContain('tls-unique')
    const attempt = { mechanism: 'SCRAM-SHA-256-PLUS', type: 'tls-unique' }
    expect(await attemptPassword(login.client, { ...attempt, bindingData: Buffer.alloc(12) })).toBe('not-authorized')
    expect(await attemptPassword(login.client, attempt)).toBe('success')
    login.client.destroy()
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: does not take tls-unique where a session is resumed',
    async (version) => {
      const tickets = { ...DEFAULT_TLS, sessionTickets: true }
      const endpoints = (['starttls', 'tls'] as const).map((mode) => ({
        host: '127.0.0.1',
        port: 0,
        mode,
        tls: tickets,
      }))
      const server = await start({ endpoints })
      const connected = async (session?: Buffer) => {
        const tls = { minVersion: version, maxVersion: version, ...(session === undefined ? {} : { session }) }
        const client = await RawClient.direct({ port: server.tlsPort, tls })
        const issued = new Promise<Buffer>((resolve) => client.socket.once('session', resolve))
        await client.open()
        return { client, issued }
      }
      const first = await connected()
      const session = (first.client.socket as TLSSocket).getSession()
      const { client } = await connected(version === 'TLSv1.2' ? session : await first.issued)
      expect((client.socket as TLSSocket).isSessionReused()).toBe(true)
      const mechanism = 'SCRAM-SHA-256-PLUS'
      expect(await attemptPassword(client, { mechanism, type: 'tls-unique' })).toBe('not-authorized')
      const type = 'tls-server-end-point'
      const bindingData = clientBinding(first.client, type)
      expect(await attemptPassword(client, { mechanism, type, bindingData })).toBe('success')
      first.client.destroy()
      client.destroy()
    },
  )

  it('believes a client that says y where no -PLUS is offered', async () => {
    const server = await start({ mechanisms: ['SCRAM-SHA-256'] })
    expect(await tryAt(server, { mechanism: 'SCRAM-SHA-256', flag: 'y' })).toBe('success')
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: is about the certificate that was sent, of several',
    async (version) => {
      const server = await start({ domains: ['localhost', 'example.org'] })
      for (const domain of ['localhost', 'example.org']) {
        await addAccount(server.accounts, 'alice@example.org', 'open sesame')
        const tls = { minVersion: version, maxVersion: version }
        const client = await RawClient.direct({ port: server.tlsPort, domain, tls })
        await client.open()
        const attempt = { mechanism: 'SCRAM-SHA-256-PLUS', type: 'tls-server-end-point' }
        expect([domain, await attemptPassword(client, attempt)]).toEqual([domain, 'success'])
        client.destroy()
      }
    },
  )

  it('offers no tls-server-end-point with a certificate that is signed with Ed25519 (RFC 5929 §4.1)', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const own = new OpensslCa()
    const chain = own.selfSignedBy(key, { subject: '/CN=localhost', dnsNames: ['localhost'] })
    own.remove()
    const server = await start({ credentials: [{ domain: 'localhost', key, chain }] })
    const [modern, old] = VARIANTS
    const login = await Login.begin(server, { variant: modern })
    expect(bindingsIn(login.features)).toEqual(['tls-exporter'])
    login.client.destroy()
    const before = await Login.begin(server, { variant: old })
    expect(before.offered).toEqual([...WITHOUT, 'PLAIN'])
    expect(bindingsIn(before.features)).toEqual([])
    before.client.destroy()
  })
})

describe('accounts that cannot be read', () => {
  it('cost logins, and nothing else', async () => {
    const accounts = new MemoryAccounts()
    await addAccount(accounts, 'alice@localhost', 'open sesame')
    const find = accounts.find.bind(accounts)
    let isDown = true
    accounts.find = async (jid) => {
      if (isDown) throw new XmppkiError('UNAVAILABLE', 'the database does not answer')
      return find(jid)
    }
    const server = await start({ accounts, certificates: 'account' })
    const { client } = await Login.begin(server, { credentials: alice })
    for (const mechanism of ['SCRAM-SHA-256', 'PLAIN']) {
      expect(await attemptPassword(client, { mechanism })).toBe('temporary-auth-failure')
    }
    expect(server.log.find('the accounts cannot be read')).toMatchObject({
      level: 'error',
      error: 'the database does not answer',
    })
    isDown = false
    expect(await attemptPassword(client, { mechanism: 'PLAIN' })).toBe('success')
    client.destroy()
  })
})

describe('certificates', () => {
  it.each([
    { certificates: 'login', credentials: alice, told: 'alice@localhost' },
    { certificates: 'login', credentials: carol, told: 'carol@localhost' },
    // The last row of the table of MongooseIM's tests.
    { certificates: 'account', credentials: alice, told: 'alice@localhost' },
    { certificates: 'account', credentials: carol, told: 'not-authorized' },
    { certificates: 'none', credentials: alice, told: 'invalid-mechanism' },
  ] as const)('$certificates: $told', async ({ certificates, credentials, told }) => {
    const server = await start({ certificates })
    for (const variant of VARIANTS) {
      const login = await Login.begin(server, { credentials, variant })
      expect(login.offered.includes('EXTERNAL')).toBe(certificates !== 'none')
      expect(await login.auth()).toBe(told)
      login.client.destroy()
    }
  })

  it('are judged by the rules that hold when they are used', async () => {
    const server = await start()
    for (const [certificates, told] of [
      ['none', 'not-authorized'],
      ['account', 'not-authorized'],
      ['login', 'carol@localhost'],
    ] as const) {
      await server.server.update({ ...server.options, certificates: 'login' })
      const login = await Login.begin(server, { credentials: carol })
      await server.server.update({ ...server.options, certificates })
      expect(await login.auth()).toBe(told)
      login.client.destroy()
    }
  })

  it('that are revoked while the account is looked up do not log in', async () => {
    const server = await start({ certificates: 'account' })
    const find = server.accounts.find.bind(server.accounts)
    server.accounts.find = async (jid) => {
      server.ledger.transaction((insert) => insert(issuedRecord({ ...idBy(ca.credentials, alice), revokedAt: 1 })))
      return find(jid)
    }
    const login = await Login.begin(server, { credentials: alice })
    expect(await login.auth()).toBe('not-authorized')
    login.client.destroy()
  })

  it('that nobody asks about are no reason to disconnect', async () => {
    const own = new TrustAnchors([ca.credentials.cert])
    const trust = { ...plainTrust(own), disconnectOnFailure: true }
    const stranger = ca.selfSigned({ subject: '/CN=alice' })
    const endpoints = [{ host: '127.0.0.1', port: 0, mode: 'starttls' as const, trust }]
    const server = await start({ certificates: 'none', endpoints })
    const { client } = await Login.begin(server, { credentials: stranger })
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })).toBe('success')
    client.destroy()
  })

  it('that need an account work with an empty challenge, too', async () => {
    const server = await start({ certificates: 'account' })
    for (const [credentials, answer] of [
      [alice, /<success/],
      [carol, /<not-authorized/],
    ] as const) {
      const { client } = await Login.begin(server, { credentials })
      client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>")
      await client.receive(/<challenge[^>]*\/>/)
      client.send("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
      await client.receive(answer)
      client.destroy()
    }
  })

  it('or a password, on the same account: the second example of the guide', async () => {
    const server = await start({ mechanisms: ALL_SCRAM })
    const byCertificate = await secured(server, { credentials: alice })
    await byCertificate.open()
    byCertificate.send(external())
    await byCertificate.receive(/<success/)
    await byCertificate.open()
    await byCertificate.bind('phone')
    const { client: byPassword } = await Login.begin(server, {})
    expect(await attemptPassword(byPassword, { mechanism: 'SCRAM-SHA-1' })).toBe('success')
    await byPassword.open()
    await byPassword.bind('desk')
    byPassword.send("<message to='alice@localhost/phone' type='chat'><body>hello</body></message>")
    await byCertificate.receive(/<message [^>]*from="alice@localhost\/desk".*<\/message>/)
    const facts = server.server.sessions().map(({ jid, mechanism }) => [jid, mechanism])
    expect(facts).toEqual([
      ['alice@localhost/phone', 'EXTERNAL'],
      ['alice@localhost/desk', 'SCRAM-SHA-1'],
    ])
    byPassword.destroy()
    byCertificate.destroy()
  })
})
