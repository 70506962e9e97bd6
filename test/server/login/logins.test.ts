import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { CertificateLogin } from '../../../src/server/login/certificate-login.ts'
import { LoginBackoff } from '../../../src/server/login/login-backoff.ts'
import { type CertificateUse, Logins } from '../../../src/server/login/logins.ts'
import { PasswordLogin, type PasswordOptions } from '../../../src/server/login/password-login.ts'
import { plainTrust } from '../../../src/server/net/client-trust.ts'
import type { LoginMethod } from '../../../src/server/net/listener.ts'
import type { LoginConnection } from '../../../src/server/stream/stream-host.ts'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { certificateCredential } from '../../support/certificates/credentials.ts'
import { madeRoot, NOON } from '../../support/certificates/small-pki.ts'
import { addAccount } from '../../support/servers/password-server.ts'
import { Resident } from '../../support/servers/realm.ts'
import { LogBook } from '../../support/servers/server.ts'

const root = madeRoot()
const alice = root.client()
const BOTH: readonly LoginMethod[] = ['certificate', 'password']

const CONNECTION: LoginConnection = {
  remote: '192.0.2.1:5222',
  listener: 'here',
  certificate: { leaf: alice.der, sent: () => [] },
  secured: true,
  channelBindings: () => new Map(),
}

const away = () => Promise.reject(new XmppkiError('UNAVAILABLE', 'away'))

function setUp(given: { certificates?: CertificateUse; passwords?: boolean } = {}) {
  const log = new LogBook()
  const accounts = new MemoryAccounts()
  const passwords: PasswordOptions = {
    accounts,
    hashes: ['sha-256'],
    iterations: 4096,
    mechanisms: new Set(['SCRAM-SHA-256', 'PLAIN']),
  }
  const rules: { certificates: CertificateUse; passwords: PasswordOptions | undefined } = {
    certificates: given.certificates ?? 'login',
    passwords: given.passwords === false ? undefined : passwords,
  }
  const now = () => NOON
  const certificates = new CertificateLogin({
    trusts: new Map([['here', plainTrust(new TrustAnchors([root.pem]))]]),
    ledger: new MemoryLedger(),
    policy: { sources: ['xmpp_addr'], commonName: { prefix: '', suffix: '' } },
    now,
    log,
  })
  const backoff = new LoginBackoff(() => NOON.getTime())
  const login = new PasswordLogin({ passwords: () => rules.passwords, backoff, log })
  const logins = new Logins({ certificates, passwords: login, rules: () => rules, log })
  return { logins, rules, accounts, log }
}

describe('what is switched on, and what is offered', () => {
  it.each<{
    certificates?: CertificateUse
    passwords?: boolean
    methods: readonly LoginMethod[]
    names: readonly string[]
  }>([
    { methods: BOTH, names: ['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN'] },
    { methods: ['certificate'], names: ['EXTERNAL'] },
    { methods: ['password'], names: ['SCRAM-SHA-256', 'PLAIN'] },
    { methods: [], names: [] },
    { certificates: 'account', methods: BOTH, names: ['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN'] },
    { certificates: 'none', methods: BOTH, names: ['SCRAM-SHA-256', 'PLAIN'] },
    { passwords: false, methods: BOTH, names: ['EXTERNAL'] },
    { certificates: 'none', passwords: false, methods: BOTH, names: [] },
  ])('$methods, certificates $certificates, passwords $passwords: $names', ({ methods, names, ...given }) => {
    const { logins } = setUp(given)
    const offered = logins.mechanisms('example.org', CONNECTION, () => methods)
    expect(offered.map(({ name }) => name)).toEqual(names)
    expect([...logins.enabled(methods)].sort()).toEqual(names.toSorted())
  })

  it('are two things: without a certificate EXTERNAL is switched on all the same', () => {
    const { logins } = setUp()
    const offered = logins.mechanisms('example.org', { ...CONNECTION, certificate: undefined }, () => BOTH)
    expect([offered.map(({ name }) => name).includes('EXTERNAL'), logins.enabled(BOTH).has('EXTERNAL')]).toEqual([
      false,
      true,
    ])
  })
})

describe('a mechanism is judged by what holds when it is used', () => {
  /** What has changed since it was offered. */
  interface Change {
    readonly name: string
    readonly certificates?: CertificateUse
    readonly passwords?: undefined
    readonly methods?: readonly LoginMethod[]
    readonly accounts?: (accounts: MemoryAccounts) => unknown
    readonly external: string
    readonly plain: string
  }

  async function use(name: string, { methods: left = BOTH, accounts: change, ...rules }: Change) {
    const { logins, accounts, rules: held } = setUp()
    await addAccount(accounts, 'alice@example.org', 'open sesame')
    let methods = BOTH
    const offered = logins.mechanisms('example.org', CONNECTION, () => methods)
    methods = left
    Object.assign(held, rules)
    await change?.(accounts)
    const initial = Buffer.from(name === 'PLAIN' ? '\0alice\0open sesame' : '')
    const outcome = await offered.find((one) => one.name === name)?.start(initial)
    return outcome?.kind === 'failure' ? `${outcome.condition}: ${outcome.reason}` : outcome?.kind
  }

  const AWAY = 'temporary-auth-failure: the accounts cannot be read'
  const NOT_HERE = 'not-authorized: it is not accepted by this listener any more'
  it.each<Change>([
    { name: 'nothing has changed', external: 'success', plain: 'success' },
    { name: 'the listener takes nothing any more', methods: [], external: NOT_HERE, plain: NOT_HERE },
    {
      name: 'certificates are good for nothing',
      certificates: 'none',
      external: 'not-authorized: certificates are not accepted any more',
      plain: 'success',
    },
    { name: 'there has to be an account, and is', certificates: 'account', external: 'success', plain: 'success' },
    {
      name: 'there has to be an account, and it is gone',
      certificates: 'account',
      accounts: (accounts) => accounts.delete('alice@example.org'),
      external: 'not-authorized: there is no account alice@example.org',
      plain: 'not-authorized: alice@example.org: there is no such account',
    },
    {
      name: 'there has to be an account, and there are none',
      certificates: 'account',
      passwords: undefined,
      external: 'not-authorized: there is no account alice@example.org',
      plain: 'not-authorized: PLAIN is not accepted any more',
    },
    {
      name: 'accounts cannot be read',
      certificates: 'account',
      accounts: (accounts) => Object.assign(accounts, { find: away }),
      external: AWAY,
      plain: AWAY,
    },
  ])('$name', async (change) => {
    expect(await use('EXTERNAL', change)).toBe(change.external)
    expect(await use('PLAIN', change)).toBe(change.plain)
  })
})

describe('sessions that could not come again', () => {
  const byCertificate = new Resident('alice@example.org/c', { credential: certificateCredential() }).session
  const byPassword = new Resident('bob@example.org/p').session

  async function rejected(world: ReturnType<typeof setUp>, methods = BOTH): Promise<string[]> {
    const found: string[] = []
    const sessions = [byCertificate, byPassword]
    for await (const { jid } of world.logins.rejected(sessions, () => methods)) found.push(jid.toString())
    return found
  }

  it.each<{
    name: string
    given: Parameters<typeof setUp>[0]
    methods?: readonly LoginMethod[]
    gone: readonly string[]
  }>([
    { name: 'none, as long as the rules are the same', given: {}, gone: [] },
    { name: 'a certificate', given: { certificates: 'none' }, gone: ['alice@example.org/c'] },
    { name: 'a certificate without account', given: { certificates: 'account' }, gone: ['alice@example.org/c'] },
    { name: 'a password', given: { passwords: false }, gone: ['bob@example.org/p'] },
    { name: 'by a listener for passwords', given: {}, methods: ['password'], gone: ['alice@example.org/c'] },
    { name: 'by a listener for certificates', given: {}, methods: ['certificate'], gone: ['bob@example.org/p'] },
  ])('$name: $gone', async ({ given, methods, gone }) => {
    expect(await rejected(setUp(given), methods)).toEqual(gone)
  })

  it('are not looked for any further when the store is away', async () => {
    const world = setUp({ certificates: 'account' })
    let questions = 0
    world.accounts.find = () => {
      questions++
      return away()
    }
    const sessions = [byCertificate, byCertificate, byPassword]
    const found = []
    for await (const session of world.logins.rejected(sessions, () => BOTH)) found.push(session)
    expect([found, questions]).toEqual([[], 1])
  })
})
