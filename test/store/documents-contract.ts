import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Documents } from '../../src/store/documents.ts'

/** Any JSON. */
type Json = unknown

/** Where documents are kept, opened. */
export interface DocumentsPlace {
  documents(collection: string): Documents<Json>
  close(): Promise<void>
}

const ALICE = 'alice@example.org'
const BOB = 'bob@example.org'
const change = (...changes: (readonly [string, Json])[]) => new Map(changes)

/** What every store of documents has to do. @param open a new, empty place each time */
export function describeDocuments(name: string, open: () => Promise<DocumentsPlace>): void {
  describe(`${name}: documents contract`, () => {
    let place: DocumentsPlace
    let documents: Documents<Json>
    beforeEach(async () => {
      place = await open()
      documents = place.documents('roster')
    })
    afterEach(() => place.close())

    const all = async (owner = ALICE) => Object.fromEntries(await documents.entries(owner))

    it('has nothing at first', async () => {
      expect(await documents.get(ALICE, 'x')).toBeUndefined()
      expect(await documents.entries(ALICE)).toEqual([])
      expect(await documents.version(ALICE)).toBe(0)
    })

    it.each<[string, Json]>([
      ['an object', { name: 'Bob', groups: ['Friends', 'Work & "play"'], nested: { deep: [1, [2.5, -3e21]] } }],
      ['an empty object', {}],
      ['a list', [1, 'two', null]],
      ['null', null],
      ['false', false],
      ['a number', -0.1],
      ['an empty text', ''],
      ['text of every kind', 'ä 😀 \u0000 \u001f \u2028 \ud800 \\u0000 \'" $1 %s ?'],
      ['a long text', 'x'.repeat(1_000_000)],
    ])('gives back %s as it was put in', async (_, value) => {
      await documents.write(ALICE, change(['x', value]))
      expect(await documents.get(ALICE, 'x')).toStrictEqual(value)
      expect(await documents.entries(ALICE)).toStrictEqual([['x', value]])
    })

    it('gives out what is nobody else’s', async () => {
      const given = { groups: ['Friends'] }
      await documents.write(ALICE, change(['x', given]))
      given.groups.push('later')
      const first = (await documents.get(ALICE, 'x')) as typeof given
      first.groups.push('later')
      expect(await documents.get(ALICE, 'x')).toEqual({ groups: ['Friends'] })
    })

    it('takes every key and owner, and tells them apart', async () => {
      const strange = ['', 'a', 'A', 'a ', "' OR 1=1 --", 'a%', '_', 'ä', '𐌰', 'ﬀ', 'room@example.org/Nick/name', '$1']
      await documents.write(ALICE, new Map(strange.map((key) => [key, key])))
      for (const owner of strange) await documents.write(owner, change(['k', owner]))
      for (const key of strange) {
        expect(await documents.get(ALICE, key)).toBe(key)
        expect(await documents.get(key, 'k')).toBe(key)
      }
    })

    it('lists by the bytes of the keys', async () => {
      const keys = ['b', '𐌰', 'a', 'ﬀ', 'B', 'ä', '']
      await documents.write(ALICE, new Map(keys.map((key) => [key, 1])))
      expect((await documents.entries(ALICE)).map(([key]) => key)).toEqual(['', 'B', 'a', 'b', 'ä', 'ﬀ', '𐌰'])
    })

    it('writes several changes at once: puts, replaces, deletes', async () => {
      await documents.write(ALICE, change(['a', 1], ['b', 2], ['c', 3]))
      await documents.write(ALICE, change(['b', 'new'], ['c', undefined], ['d', 4], ['never there', undefined]))
      expect(await all()).toEqual({ a: 1, b: 'new', d: 4 })
      expect(await documents.get(ALICE, 'c')).toBeUndefined()
    })

    it('counts the writes of each owner', async () => {
      expect(await documents.write(ALICE, change(['a', 1]))).toBe(1)
      expect(await documents.write(ALICE, change(['a', 2], ['b', 2]))).toBe(2)
      expect(await documents.write(BOB, change(['a', 1]))).toBe(1)
      expect(await documents.write(ALICE, change(['gone', undefined]))).toBe(3)
      expect(await documents.write(ALICE, change())).toBe(4)
      expect(await Promise.all([ALICE, BOB, 'carol'].map((owner) => documents.version(owner)))).toEqual([4, 1, 0])
    })

    it('counts writes that come at once', async () => {
      const writes = Array.from({ length: 20 }, (_, n) => documents.write(ALICE, change([`k${n}`, n], ['same', n])))
      const versions = await Promise.all(writes)
      expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
      expect(Object.keys(await all())).toHaveLength(21)
    })

    it('removes an owner, and goes on counting', async () => {
      await documents.write(ALICE, change(['a', 1], ['b', 2]))
      await documents.write(BOB, change(['a', 1]))
      await documents.removeOwner(ALICE)
      expect(await all()).toEqual({})
      expect(await all(BOB)).toEqual({ a: 1 })
      expect(await documents.version(ALICE)).toBe(2)
      expect(await documents.write(ALICE, change(['c', 3]))).toBe(3)
      expect(await all()).toEqual({ c: 3 })
    })

    it('keeps collections apart', async () => {
      const blocking = place.documents('blocking')
      await documents.write(ALICE, change(['a', 'contact']))
      await blocking.write(ALICE, change(['a', 'blocked'], ['b', 'blocked']))
      await blocking.write(ALICE, change())
      expect(await all()).toEqual({ a: 'contact' })
      expect(await documents.version(ALICE)).toBe(1)
      await documents.removeOwner(ALICE)
      expect(await blocking.entries(ALICE)).toHaveLength(2)
      expect(await blocking.version(ALICE)).toBe(2)
    })
  })
}

/** What a store has to do that keeps documents. @param newPlace what opens one and the same place again and again */
export function describeKeptDocuments(name: string, newPlace: () => Promise<() => Promise<DocumentsPlace>>): void {
  describe(`${name}: kept documents`, () => {
    it('are there for others, and when the place is opened again', async () => {
      const open = await newPlace()
      const [first, second] = [await open(), await open()]
      await first.documents('roster').write(ALICE, change(['a', 1], ['b', 2]))
      expect(await second.documents('roster').get(ALICE, 'b')).toBe(2)
      expect(await second.documents('roster').write(ALICE, change(['b', 3]))).toBe(2)
      await first.close()
      await second.close()
      const third = await open()
      expect(await third.documents('roster').entries(ALICE)).toEqual([
        ['a', 1],
        ['b', 3],
      ])
      expect(await third.documents('roster').version(ALICE)).toBe(2)
      await third.close()
    })

    it('cannot be had when the place has been closed', async () => {
      const first = await (await newPlace())()
      await first.documents('roster').write(ALICE, change(['a', 1]))
      await first.close()
      await expect(first.documents('roster').write(ALICE, change(['a', 2]))).rejects.toMatchObject({
        code: 'UNAVAILABLE',
      })
      await expect(first.documents('roster').get(ALICE, 'a')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    })
  })
}
