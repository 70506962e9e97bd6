import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EventLog, LogEntry, LogQuery } from '../../src/store/event-log.ts'

/** Where logs are kept, opened. */
export interface LogPlace {
  log(collection: string): EventLog
  close(): Promise<void>
}

const ALICE = 'alice@example.org'
const BOB = 'bob@example.org'
const NOON = Date.UTC(2026, 0, 1, 12)

export function entry(text: string, given: Partial<LogEntry> = {}): Omit<LogEntry, 'id'> {
  return { at: NOON, peer: 'juliet@capulet.example/balcony', text, ...given }
}

const oldest = (query: Partial<LogQuery> = {}): LogQuery => ({ max: 1_000, from: 'oldest', ...query })
const newest = (query: Partial<LogQuery> = {}): LogQuery => ({ max: 1_000, from: 'newest', ...query })
const isGrowing = (ids: readonly string[]) => ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? ''))
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** What every log has to do. @param open a new, empty place each time */
export function describeEventLog(name: string, open: () => Promise<LogPlace>): void {
  describe(`${name}: event log contract`, () => {
    let place: LogPlace
    let log: EventLog
    beforeEach(async () => {
      place = await open()
      log = place.log('archive')
    })
    afterEach(() => place.close())

    /** One entry for each text, a second after the one before. */
    const append = (texts: string, owner = ALICE) =>
      [...texts].map((text, index) => log.append(owner, entry(text, { at: NOON + index * 1_000 })).id)
    const texts = async (query: LogQuery, owner = ALICE) => {
      const { entries, complete } = await log.page(owner, query)
      return `${entries.map(({ text }) => text).join('')}${complete ? '.' : ''}`
    }

    it('has nothing at first', async () => {
      expect(await log.page(ALICE, oldest())).toEqual({ entries: [], complete: true })
      expect(await log.page(ALICE, newest())).toEqual({ entries: [], complete: true })
      expect(await log.find(ALICE, ['x'])).toEqual([])
      expect(await log.count(ALICE)).toBe(0)
    })

    it.each([
      ['of every kind', 'ä 😀 \u2028 &amp; \'"\\ $1 ?'],
      ['that is empty', ''],
      ['that is long', 'x'.repeat(300_000)],
    ])('gives back text %s as it was', async (_, text) => {
      const whole = entry(text, { peer: 'room@muc.example/Nick/na me' })
      const { id, durable } = log.append(ALICE, whole)
      await durable
      expect((await log.page(ALICE, oldest())).entries).toStrictEqual([{ id, ...whole }])
      expect(await log.find(ALICE, [id])).toStrictEqual([{ id, ...whole }])
    })

    it('shows what has been appended before anybody asks, durable or not', async () => {
      append('ab')
      expect(await texts(oldest())).toBe('ab.')
      append('c')
      expect(await log.count(ALICE)).toBe(3)
      append('d')
      await log.remove(ALICE, 'all')
      expect(await texts(oldest())).toBe('.')
    })

    describe('ids', () => {
      it('are UUIDs of version 7 that have the time in them', async () => {
        const { id } = log.append(ALICE, entry('x'))
        expect(id).toMatch(UUID_V7)
        expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(NOON)
      })

      it('grow, however many there are within a millisecond', async () => {
        const ids = Array.from({ length: 10_000 }, (_, n) => log.append(ALICE, entry(String(n))).id)
        expect(isGrowing(ids)).toBe(true)
        expect(ids.every((id) => UUID_V7.test(id))).toBe(true)
        const { entries } = await log.page(ALICE, oldest({ max: 20_000 }))
        expect(entries.map(({ id }) => id)).toEqual(ids)
        expect(entries.map(({ text }) => Number(text))).toEqual(ids.map((_, n) => n))
      })

      it('grow when the clock goes back, and entries keep their times and their order', async () => {
        const times = [NOON, NOON - 3_600_000, NOON - 3_599_000, NOON + 1, 0]
        const ids = times.map((at, n) => log.append(ALICE, entry(String(n), { at })).id)
        expect(isGrowing(ids)).toBe(true)
        const { entries } = await log.page(ALICE, oldest())
        expect(entries.map(({ at }) => at)).toEqual(times)
        expect(await texts(oldest({ end: NOON - 1 }))).toBe('124.')
        expect(await texts(newest({ end: NOON - 3_599_000, max: 2 }))).toBe('24')
        expect(await texts(oldest({ start: NOON - 3_599_000 }))).toBe('023.')
      })
    })

    describe('pages', () => {
      it('are what is asked for', async () => {
        const table: readonly (readonly [string, LogQuery])[] = [
          ['abcdefg.', oldest({ max: 7 })],
          ['abcdef', oldest({ max: 6 })],
          ['bcdefg', newest({ max: 6 })],
          ['abcdefg.', newest({ max: 7 })],
          ['', oldest({ max: 0 })],
          ['', newest({ max: 0 })],
          ['cdef.', oldest({ start: NOON + 2_000, end: NOON + 5_000 })],
          ['cd', oldest({ start: NOON + 2_000, end: NOON + 5_000, max: 2 })],
          ['ef', newest({ start: NOON + 2_000, end: NOON + 5_000, max: 2 })],
          ['abcdefg.', oldest({ start: NOON, end: NOON + 6_000 })],
          ['bcdef.', oldest({ start: NOON + 1, end: NOON + 5_999 })],
          ['.', oldest({ start: NOON + 6_001 })],
          ['.', oldest({ end: NOON - 1 })],
          ['.', oldest({ start: NOON + 5_000, end: NOON + 2_000 })],
          // The earliest and the latest time that Date knows.
          ['abcdefg.', oldest({ start: -8.64e15, end: 8.64e15 })],
          ['.', oldest({ start: 8.64e15 })],
          ['.', newest({ end: -8.64e15 })],
        ]
        append('abcdefg')
        append('other', BOB)
        for (const [found, query] of table) expect(await texts(query), JSON.stringify(query)).toBe(found)
      })

      it('go on behind an entry and before one, also when that one has been removed', async () => {
        const ids = append('abcdefg')
        const [, b, , d, , f, g] = ids
        expect(await texts(oldest({ after: b, max: 2 }))).toBe('cd')
        expect(await texts(oldest({ after: d, max: 3 }))).toBe('efg.')
        expect(await texts(newest({ before: f, max: 2 }))).toBe('de')
        expect(await texts(newest({ before: d, max: 3 }))).toBe('abc.')
        expect(await texts(oldest({ after: b, before: f }))).toBe('cde.')
        expect(await texts(newest({ after: b, before: f, max: 2 }))).toBe('de')
        expect(await texts(oldest({ after: b, start: NOON + 3_000, end: NOON + 4_000 }))).toBe('de.')
        expect(await texts(oldest({ after: f, before: b }))).toBe('.')
        expect(await texts(oldest({ after: g }))).toBe('.')
        await log.remove(ALICE, [d ?? ''])
        expect(await texts(oldest({ after: d }))).toBe('efg.')
        expect(await texts(newest({ before: d }))).toBe('abc.')
      })

      it('take any text for an id', async () => {
        append('abc')
        for (const after of ['', 'zzz', 'ä', "'", 'not an id']) {
          for (const from of ['oldest', 'newest'] as const) {
            const { entries } = await log.page(ALICE, { after, before: 'zzz', max: 10, from })
            expect(entries.length).toBeLessThanOrEqual(3)
          }
        }
        expect(await log.find(ALICE, ['', 'zzz', "'", 'not an id'])).toEqual([])
        await log.remove(ALICE, ['', 'zzz', "'", 'not an id'])
        expect(await texts(oldest())).toBe('abc.')
      })

      it('are of one peer: every resource of a bare JID, one resource of a full one', async () => {
        const peers = ['j@c.example/x', 'n@c.example', 'j@c.example', 'j@c.example/x/y', 'j@c.example/x', 'c.example']
        for (const [index, peer] of peers.entries()) log.append(ALICE, entry(String(index), { peer }))
        expect(await texts(oldest({ peer: 'j@c.example' }))).toBe('0234.')
        expect(await texts(oldest({ peer: 'j@c.example', max: 3 }))).toBe('023')
        expect(await texts(newest({ peer: 'j@c.example', max: 3 }))).toBe('234')
        expect(await texts(oldest({ peer: 'j@c.example/x' }))).toBe('04.')
        expect(await texts(newest({ peer: 'j@c.example/x', max: 1 }))).toBe('4')
        expect(await texts(oldest({ peer: 'j@c.example/x/y' }))).toBe('3.')
        expect(await texts(oldest({ peer: 'c.example' }))).toBe('5.')
        expect(await texts(oldest({ peer: 'j@c.exampl_' }))).toBe('.')
      })

      it('together give everything once, in either direction', async () => {
        const ids = append('abcdefghijklmnopqrstuvwxyz')
        const forward: string[] = []
        for (let after: string | undefined, complete = false; !complete; ) {
          const page = await log.page(ALICE, oldest({ after, max: 4 }))
          forward.push(...page.entries.map(({ id }) => id))
          after = page.entries.at(-1)?.id
          complete = page.complete
        }
        expect(forward).toEqual(ids)
        const backward: string[] = []
        for (let before: string | undefined, complete = false; !complete; ) {
          const page = await log.page(ALICE, newest({ before, max: 4 }))
          backward.unshift(...page.entries.map(({ id }) => id))
          before = page.entries[0]?.id
          complete = page.complete
        }
        expect(backward).toEqual(ids)
      })
    })

    it('finds entries by their ids, in their order', async () => {
      const [a, b, c] = append('abc')
      const other = append('x', BOB)
      const found = await log.find(ALICE, [c ?? '', a ?? '', a ?? '', ...other])
      expect(found.map(({ text }) => text)).toEqual(['a', 'c'])
      await log.remove(ALICE, [a ?? ''])
      expect((await log.find(ALICE, [a ?? '', b ?? ''])).map(({ text }) => text)).toEqual(['b'])
    })

    it('removes entries of one owner: those named, or all', async () => {
      const [a, , c] = append('abc')
      const other = append('xyz', BOB)
      await log.remove(ALICE, [a ?? '', c ?? '', ...other])
      expect(await texts(oldest())).toBe('b.')
      expect(await log.count(BOB)).toBe(3)
      await log.remove(ALICE, [])
      expect(await log.count(ALICE)).toBe(1)
      await log.remove(ALICE, 'all')
      expect(await log.count(ALICE)).toBe(0)
      expect(await log.count(BOB)).toBe(3)
    })

    it('gives ids that go on growing when everything has been removed', async () => {
      const before = append('abc').at(-1) ?? ''
      await log.remove(ALICE, 'all')
      expect(log.append(ALICE, entry('d', { at: 0 })).id > before).toBe(true)
    })

    it('keeps collections apart', async () => {
      const offline = place.log('offline')
      const ids = append('abc')
      offline.append(ALICE, entry('later'))
      expect(await texts(oldest())).toBe('abc.')
      expect(await offline.count(ALICE)).toBe(1)
      await offline.remove(ALICE, ids)
      expect(await log.count(ALICE)).toBe(3)
      await log.remove(ALICE, 'all')
      expect((await offline.page(ALICE, oldest())).entries.map(({ text }) => text)).toEqual(['later'])
    })

    it('takes many at once from many owners', async () => {
      const owners = Array.from({ length: 50 }, (_, n) => `u${n}@example.org`)
      const appended = owners.flatMap((owner) => [...'abcde'].map((text) => log.append(owner, entry(text))))
      await Promise.all(appended.map(({ durable }) => durable))
      for (const owner of owners) expect(await texts(oldest(), owner)).toBe('abcde.')
    })

    it('waits at its end for what is on its way', async () => {
      let isDurable = false
      void log.append(ALICE, entry('a')).durable.then(() => {
        isDurable = true
      })
      await log.close()
      expect(isDurable).toBe(true)
    })
  })
}

/** What a log has to do that is kept. @param newPlace what opens one and the same place again and again */
export function describeKeptEventLog(name: string, newPlace: () => Promise<() => Promise<LogPlace>>): void {
  describe(`${name}: kept event log`, () => {
    it('is there when the place is opened again, and goes on with greater ids, whatever the clock says', async () => {
      const open = await newPlace()
      const ids: string[] = []
      for (const at of [NOON, NOON - 3_600_000, NOON - 7_200_000]) {
        const place = await open()
        const log = place.log('archive')
        const { id, durable } = log.append(ALICE, entry(String(at), { at }))
        await durable
        ids.push(id)
        const { entries } = await log.page(ALICE, oldest())
        expect(entries.map((one) => one.id)).toEqual(ids)
        await place.close()
      }
      expect(isGrowing(ids)).toBe(true)
    })

    it('goes on with greater ids when everything has been removed in between', async () => {
      const open = await newPlace()
      const first = await open()
      const before = first.log('archive').append(ALICE, entry('a')).id
      const other = first.log('archive').append(BOB, entry('b')).id
      await first.log('archive').remove(ALICE, 'all')
      await first.close()
      const second = await open()
      const after = second.log('archive').append(ALICE, entry('c', { at: 0 })).id
      expect(isGrowing([before, other, after])).toBe(true)
      await second.close()
    })

    it('writes what has been appended before the place is closed', async () => {
      const open = await newPlace()
      const first = await open()
      const { id } = first.log('archive').append(ALICE, entry('a'))
      await first.close()
      await expect(first.log('archive').append(ALICE, entry('b')).durable).rejects.toMatchObject({
        code: 'UNAVAILABLE',
      })
      await expect(first.log('archive').page(ALICE, oldest())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      const second = await open()
      expect((await second.log('archive').find(ALICE, [id])).map(({ text }) => text)).toEqual(['a'])
      await second.close()
    })
  })
}
