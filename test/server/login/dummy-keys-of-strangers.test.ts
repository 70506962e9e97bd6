import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import type { ScramHash, ScramKeySet, ScramKeys } from '../../../src/xmpp/sasl/scram-keys.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { type PasswordServer, passwordServers } from '../../support/servers/password-server.ts'
import { secured, VARIANTS } from '../../support/streams/external-login.ts'
import { authElement, type Profile } from '../../support/streams/scram-client.ts'

const ca = new OpensslCa()
afterAll(() => ca.remove())
const start = passwordServers(ca)

const LENGTHS = { 'sha-1': 20, 'sha-256': 32, 'sha-512': 64 }
const keys = (hash: ScramHash, iterations: number, salt: Uint8Array = randomBytes(16)): ScramKeys => {
  const key = () => randomBytes(LENGTHS[hash]).toString('base64')
  return { salt: Buffer.from(salt).toString('base64'), iterations, storedKey: key(), serverKey: key() }
}

/** What the importers make of accounts of other servers, besides our own. */
const KINDS: Readonly<Record<string, () => ScramKeySet>> = {
  ours: () => ({ 'sha-1': keys('sha-1', 12_000), 'sha-256': keys('sha-256', 12_000) }),
  ejabberd: () => ({ 'sha-1': keys('sha-1', 4_096) }),
  prosody: () => ({ 'sha-1': keys('sha-1', 10_000, Buffer.from(randomUUID())) }),
  short: () => ({ 'sha-256': keys('sha-256', 4_096, randomBytes(9)) }),
  certificate: () => ({}),
}

async function fill(
  accounts: MemoryAccounts,
  count: number,
  kinds = Object.keys(KINDS),
  prefix = '',
): Promise<string[]> {
  const names = kinds.flatMap((kind) => Array.from({ length: count }, (_, index) => `${prefix}${kind}${index}`))
  for (const name of names) {
    const made = KINDS[name.slice(prefix.length).replace(/\d+$/, '')]?.() ?? {}
    await accounts.create({ jid: `${name}@localhost`, keys: made, createdAt: 1, changedAt: 1 }, {})
  }
  return names
}

interface Shown {
  readonly salt: string
  readonly form: string
}

/** What is shown to whoever begins a login. */
async function probe(server: PasswordServer, mechanism: string, names: readonly string[], profile: Profile = 'SASL') {
  const shown = new Map<string, Shown>()
  for (const name of names) {
    const client = await secured(server, { variant: VARIANTS[2] })
    await client.open()
    client.send(authElement(profile, mechanism, `n,,n=${name},r=abc`))
    const answer = await client.receive(/<challenge [^>]*>[^<]*<\/challenge>/)
    client.destroy()
    const text = Buffer.from(answer.replace(/<[^>]*>/g, ''), 'base64').toString()
    const [, salt = '', iterations = ''] = /s=([^,]+),i=(\d+)$/.exec(text) ?? []
    const octets = Buffer.from(salt, 'base64')
    const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(octets.toString('latin1'))
    shown.set(name, { salt, form: `${iterations} ${isUuid ? 'uuid' : octets.length}` })
  }
  return shown
}

const formsIn = (shown: ReadonlyMap<string, Shown>) => [...new Set([...shown.values()].map(({ form }) => form))].sort()
const strangers = (count: number) => Array.from({ length: count }, (_, index) => `stranger${index}`)

describe('a name without an account', () => {
  it.each(['SASL', 'SASL2'] as const)('looks like one of the accounts that there are, by %s', async (profile) => {
    const accounts = new MemoryAccounts()
    const names = await fill(accounts, 12)
    const server = await start({ accounts, mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] })
    for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const real = await probe(server, mechanism, names, profile)
      const dummies = await probe(server, mechanism, strangers(60), profile)
      expect(formsIn(dummies)).toEqual(formsIn(real))
      for (const form of formsIn(real)) {
        const share = (shown: ReadonlyMap<string, Shown>) =>
          [...shown.values()].filter((one) => one.form === form).length / shown.size
        expect(Math.abs(share(real) - share(dummies))).toBeLessThan(0.35)
      }
    }
  })

  it('looks the same again, at another server on the same accounts, and when more of them come', async () => {
    const accounts = new MemoryAccounts()
    await fill(accounts, 20)
    const [one, other] = [await start({ accounts }), await start({ accounts })]
    const before = await probe(one, 'SCRAM-SHA-1', strangers(40))
    expect(await probe(other, 'SCRAM-SHA-1', strangers(40))).toEqual(before)
    await fill(accounts, 2, undefined, 'more-')
    const after = await probe(one, 'SCRAM-SHA-1', strangers(40))
    expect([...after].filter(([name, { salt }]) => salt !== before.get(name)?.salt)).toEqual([])
  })

  it('looks like those of its own domain', async () => {
    const accounts = new MemoryAccounts()
    await fill(accounts, 3, ['ejabberd'])
    for (const at of ['a', 'b']) {
      const made = KINDS['prosody']?.() ?? {}
      await accounts.create({ jid: `${at}@example.org`, keys: made, createdAt: 1, changedAt: 1 }, {})
    }
    const server = await start({ accounts, domains: ['localhost', 'example.org'] })
    expect(formsIn(await probe(server, 'SCRAM-SHA-1', strangers(20)))).toEqual(['4096 16'])
  })

  it('takes as long with PLAIN as an account that has been imported', async () => {
    const accounts = new MemoryAccounts()
    const slow = { 'sha-1': keys('sha-1', 400_000) }
    await accounts.create({ jid: 'old@localhost', keys: slow, createdAt: 1, changedAt: 1 }, {})
    const server = await start({ accounts, mechanisms: ['PLAIN'] })
    const time = async (username: string) => {
      const client = await secured(server, { variant: VARIANTS[2] })
      await client.open()
      const begun = performance.now()
      client.send(authElement('SASL', 'PLAIN', `\0${username}\0wrong`))
      await client.receive(/<failure[^>]*><not-authorized\/><\/failure>/)
      client.destroy()
      return performance.now() - begun
    }
    const fastest = async (names: readonly string[]) => {
      const times: number[] = []
      for (const name of names) times.push(await time(name))
      return Math.min(...times)
    }
    const real = await fastest(['old', 'old', 'old'])
    expect(await fastest(['nobody', 'nobody2', 'nobody3'])).toBeGreaterThan(real / 10)
  })
})
