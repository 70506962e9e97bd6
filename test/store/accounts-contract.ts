import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Account, Accounts } from '../../src/store/accounts.ts'
import { SCRAM_HASHES, type ScramHash, type ScramKeySet } from '../../src/xmpp/sasl/scram-keys.ts'

/** Keys that differ from others by their name; stores do not look into them. */
export function keysOf(name: string, hashes: readonly ScramHash[] = ['sha-1', 'sha-256']): ScramKeySet {
  const base64 = (text: string) => Buffer.from(`${text} ${name}`).toString('base64')
  const keys = { salt: base64('salt'), iterations: 4096, storedKey: base64('stored'), serverKey: base64('server') }
  return Object.fromEntries(hashes.map((hash) => [hash, keys]))
}

export function account(jid: string, given: Partial<Account> = {}): Account {
  return { jid, keys: keysOf(jid), createdAt: 1_700_000_000_123, changedAt: 1_700_000_000_456, ...given }
}

const NO_LIMITS = {}
const ALICE = 'alice@example.org'

/** What every store of accounts has to do. @param open a new, empty one each time */
export function describeAccounts(name: string, open: () => Promise<Accounts>): void {
  describe(`${name}: accounts contract`, () => {
    let accounts: Accounts
    beforeEach(async () => {
      accounts = await open()
    })
    afterEach(() => accounts.close())

    const create = (...jids: string[]) => Promise.all(jids.map((jid) => accounts.create(account(jid), NO_LIMITS)))
    const names = async (domain?: string) => (await accounts.list(domain)).map(({ jid }) => jid)

    it('gives back an account as it was put in', async () => {
      const whole = account('bücher@münchen.example', { keys: keysOf('x', SCRAM_HASHES) })
      expect(await accounts.create(whole, NO_LIMITS)).toBeUndefined()
      expect(await accounts.find(whole.jid)).toStrictEqual(whole)
      expect(await accounts.list()).toStrictEqual([whole])
    })

    it('keeps accounts that have no password, and only the hashes that were given', async () => {
      const bare = account(ALICE, { keys: {} })
      const old = account('old@example.org', { keys: keysOf('z', ['sha-1']) })
      for (const one of [bare, old]) await accounts.create(one, NO_LIMITS)
      expect(await accounts.find(ALICE)).toStrictEqual(bare)
      expect(await accounts.find(old.jid)).toStrictEqual(old)
    })

    it.each([
      '',
      'alice',
      'example.org',
      'Alice@example.org',
      'alice@example.org ',
      "' OR 1=1 --",
      'a%',
      '_lice@example.org',
    ])('does not find %j', async (jid) => {
      await create(ALICE)
      expect(await accounts.find(jid)).toBeUndefined()
      expect(await accounts.setKeys(jid, {}, 1)).toBe(false)
      expect(await accounts.delete(jid)).toBe(false)
      expect(await accounts.find(ALICE)).toStrictEqual(account(ALICE))
    })

    it('takes quotes and every other character of a JID', async () => {
      const strange = ['o#1$2?@example.org', '!%*()\\{}@example.org', '𐌰@example.org', 'ﬀ~|`@xn--nxasmq6b.example']
      await create(...strange)
      for (const jid of strange) expect((await accounts.find(jid))?.jid).toBe(jid)
    })

    it('does not make an account twice, and leaves the first one as it is', async () => {
      await create(ALICE)
      expect(await accounts.create(account(ALICE, { keys: keysOf('other') }), NO_LIMITS)).toBe('exists')
      expect(await accounts.find(ALICE)).toStrictEqual(account(ALICE))
    })

    it('makes one of many that are made at once under the same name', async () => {
      const outcomes = await create(...Array.from({ length: 8 }, () => ALICE))
      expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(7)
      expect(await names()).toEqual([ALICE])
    })

    it('never has more accounts of a domain than it may, however many are made at once', async () => {
      await create('other@example.com')
      const jids = Array.from({ length: 12 }, (_, index) => `u${index}@example.org`)
      const outcomes = await Promise.all(jids.map((jid) => accounts.create(account(jid), { perDomain: 3 })))
      expect(outcomes.filter((outcome) => outcome === 'full')).toHaveLength(9)
      expect(await names('example.org')).toHaveLength(3)
    })

    it('says that an account exists, also when the domain is full, and has room again when one goes', async () => {
      await create(ALICE)
      expect(await accounts.create(account(ALICE), { perDomain: 1 })).toBe('exists')
      expect(await accounts.create(account('bob@example.org'), { perDomain: 1 })).toBe('full')
      expect(await accounts.create(account('bob@example.com'), { perDomain: 1 })).toBeUndefined()
      await accounts.delete(ALICE)
      expect(await accounts.create(account('bob@example.org'), { perDomain: 1 })).toBeUndefined()
    })

    it('sets a password, and remembers when', async () => {
      await create(ALICE, 'bob@example.org')
      expect(await accounts.setKeys(ALICE, keysOf('new'), 5_000_000_000_000)).toBe(true)
      expect(await accounts.find(ALICE)).toStrictEqual(
        account(ALICE, { keys: keysOf('new'), changedAt: 5_000_000_000_000 }),
      )
      expect(await accounts.find('bob@example.org')).toStrictEqual(account('bob@example.org'))
    })

    it('keeps one whole set of keys when several are set at once', async () => {
      await create(ALICE)
      const sets = ['a', 'b', 'c', 'd', 'e'].map((name) => keysOf(name))
      await Promise.all(sets.map((keys, at) => accounts.setKeys(ALICE, keys, at)))
      const { keys, changedAt } = (await accounts.find(ALICE)) ?? account('')
      expect(keys).toStrictEqual(sets[changedAt])
    })

    it('deletes an account, and lets it be made again', async () => {
      await create(ALICE, 'bob@example.org')
      expect(await accounts.delete(ALICE)).toBe(true)
      expect(await accounts.delete(ALICE)).toBe(false)
      expect(await accounts.find(ALICE)).toBeUndefined()
      expect(await names()).toEqual(['bob@example.org'])
      expect(await accounts.create(account(ALICE), NO_LIMITS)).toBeUndefined()
    })

    it('lists in the order of the JIDs, byte by byte, of one domain or of all', async () => {
      const ordered = ['a-b@example.org', 'a.b@example.org', 'ab@example.org', 'ab@sub.example.org', 'zz@a.example']
      const beyond = ['ä@example.org', 'ﬀ@example.org', '𐌰@example.org']
      await create(...[...ordered, ...beyond].reverse())
      expect(await names()).toEqual([...ordered, ...beyond])
      expect(await names('sub.example.org')).toEqual(['ab@sub.example.org'])
      expect(await names('example.org')).toEqual([...ordered.slice(0, 3), ...beyond])
      expect(await names('org')).toEqual([])
    })

    it('remembers who has logged in with a certificate, account or not', async () => {
      expect(await accounts.isHolder(ALICE)).toBe(false)
      await accounts.noteHolders([ALICE, 'bob@example.org'])
      await Promise.all([[ALICE], [], [ALICE, 'c@d.e']].map((jids) => accounts.noteHolders(jids)))
      await create(ALICE)
      await accounts.delete(ALICE)
      const held = [ALICE, 'bob@example.org', 'c@d.e', 'alice@example.com'].map((jid) => accounts.isHolder(jid))
      expect(await Promise.all(held)).toEqual([true, true, true, false])
    })

    it('makes one secret, whoever asks first', async () => {
      const [first, ...others] = await Promise.all([1, 2, 3].map(() => accounts.dummySecret()))
      expect(first).toHaveLength(32)
      for (const other of [...others, await accounts.dummySecret()]) expect(other).toEqual(first)
      const stranger = await open()
      expect(await stranger.dummySecret()).not.toEqual(first)
      await stranger.close()
    })

    it('forgets the ways of accounts that are gone or have other keys', async () => {
      const names = ['a', 'b', 'c', 'd'].map((name) => `${name}@example.org`)
      for (const jid of names) await accounts.create(account(jid, { keys: keysOf('x', ['sha-1']) }), NO_LIMITS)
      const [a = '', b = '', c = ''] = names
      await accounts.setKeys(a, keysOf('x', ['sha-512']), 1)
      await accounts.importAll([account(b, { keys: keysOf('x', ['sha-256']) })], { replace: true })
      await accounts.importAll([account(b, { keys: {} }), account(c, { keys: {} })], { replace: false })
      await accounts.delete(c)
      const hashes = (await accounts.keyForms('example.org')).map(({ form, accounts }) => [
        ...Object.keys(form),
        accounts,
      ])
      expect(hashes.sort()).toEqual([
        ['sha-1', 1],
        ['sha-256', 1],
        ['sha-512', 1],
      ])
    })

    it('knows in which ways the keys of a domain have been made, and how often', async () => {
      const keys = (salt: Uint8Array, iterations: number) => ({
        ...keysOf('x')['sha-1'],
        salt: Buffer.from(salt).toString('base64'),
        iterations,
      })
      const uuid = Buffer.from('0c8ed1b5-21a4-4a77-9f5c-0a9b8f3d1a2e')
      const rows = {
        a1: { 'sha-1': keys(Buffer.alloc(16, 0xff), 4096) },
        a2: { 'sha-1': keys(Buffer.alloc(16), 4096) },
        b: { 'sha-512': keys(Buffer.alloc(17), 10_000), 'sha-1': keys(Buffer.alloc(18), 4096) },
        c: { 'sha-256': keys(uuid, 10_000) },
        d: { 'sha-256': keys(Buffer.alloc(36, 0x61), 10_000) },
        e: {},
      } as Readonly<Record<string, ScramKeySet>>
      const forms = async (where: Accounts, domain: string) => {
        const counted = (await where.keyForms(domain)).map((one) => [JSON.stringify(one.form), one.accounts] as const)
        return Object.fromEntries(counted)
      }
      const form = (hash: ScramHash, iterations: number, saltBytes: number, saltIsUuid = false) => ({
        [hash]: { iterations, saltBytes, saltIsUuid },
      })
      const text = (...parts: object[]) => JSON.stringify(Object.assign({}, ...parts))
      const all = Object.entries(rows).map(([name, own]) => account(`${name}@example.org`, { keys: own }))
      await accounts.importAll(all, { replace: false })
      await accounts.create(account('z@example.com', { keys: rows['c'] ?? {} }), NO_LIMITS)
      const expected = {
        [text(form('sha-1', 4096, 16))]: 2,
        [text(form('sha-1', 4096, 18), form('sha-512', 10_000, 17))]: 1,
        [text(form('sha-256', 10_000, 36, true))]: 1,
        [text(form('sha-256', 10_000, 36))]: 1,
        '{}': 1,
      }
      expect(await forms(accounts, 'example.org')).toEqual(expected)
      expect(await forms(accounts, 'example.com')).toEqual({ [text(form('sha-256', 10_000, 36, true))]: 1 })
      expect(await forms(accounts, 'org')).toEqual({})
    })

    describe('importAll', () => {
      it('makes accounts and leaves those that are there', async () => {
        await create(ALICE)
        const others = [account('bob@example.org'), account('carol@example.org')]
        const outcomes = await accounts.importAll([account(ALICE, { keys: {} }), ...others], { replace: false })
        expect(outcomes).toEqual(['exists', 'created', 'created'])
        expect(await accounts.list()).toStrictEqual([account(ALICE), ...others])
      })

      it('replaces keys when it is told to, and keeps when the account was made', async () => {
        await create(ALICE)
        const next = account(ALICE, { keys: keysOf('new'), createdAt: 7, changedAt: 8 })
        expect(await accounts.importAll([next], { replace: true })).toEqual(['replaced'])
        expect(await accounts.find(ALICE)).toStrictEqual(account(ALICE, { keys: keysOf('new'), changedAt: 8 }))
      })

      it.each([
        { replace: false, second: 'exists', kept: 'first' },
        { replace: true, second: 'replaced', kept: 'second' },
      ])('takes accounts that come twice one after the other: replace $replace', async ({ replace, second, kept }) => {
        const twice = [
          account(ALICE, { keys: keysOf('first'), createdAt: 1 }),
          account(ALICE, { keys: keysOf('second'), createdAt: 2 }),
        ]
        expect(await accounts.importAll(twice, { replace })).toEqual(['created', second])
        expect(await accounts.find(ALICE)).toStrictEqual(account(ALICE, { keys: keysOf(kept), createdAt: 1 }))
      })

      it('fills domains up to their limit, each on its own; what is replaced needs no room', async () => {
        await create(ALICE)
        const jids = ['a@example.org', ALICE, 'b@example.org', 'a@example.com', 'b@example.com', 'c@example.com']
        const outcomes = await accounts.importAll(
          jids.map((jid) => account(jid)),
          { replace: true, perDomain: 2 },
        )
        expect(outcomes).toEqual(['created', 'replaced', 'full', 'created', 'created', 'full'])
        expect(await names()).toEqual(['a@example.com', 'a@example.org', ALICE, 'b@example.com'])
      })

      it('does not exceed the limit beside others that make accounts', async () => {
        const batch = (name: string) => Array.from({ length: 10 }, (_, index) => account(`${name}${index}@example.org`))
        const imports = ['a', 'b', 'c'].map((name) =>
          accounts.importAll(batch(name), { replace: false, perDomain: 12 }),
        )
        const creations = batch('d').map((one) => accounts.create(one, { perDomain: 12 }))
        const outcomes = (await Promise.all(imports)).flat()
        const made = (await Promise.all(creations)).filter((outcome) => outcome === undefined).length
        expect(outcomes.filter((outcome) => outcome === 'created').length + made).toBe(12)
        expect(await names('example.org')).toHaveLength(12)
      })

      it('takes none, and takes thousands', async () => {
        expect(await accounts.importAll([], { replace: false })).toEqual([])
        const many = Array.from({ length: 5_000 }, (_, index) => account(`u${index}@example.org`))
        const outcomes = await accounts.importAll(many, { replace: false })
        expect(new Set(outcomes)).toEqual(new Set(['created']))
        expect(await accounts.list()).toHaveLength(5_000)
        expect(await accounts.find('u4999@example.org')).toStrictEqual(many[4_999])
      })
    })
  })
}
