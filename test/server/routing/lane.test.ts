import { describe, expect, it } from 'vitest'
import { Lane, Lanes } from '../../../src/server/routing/lane.ts'
import { gate, turn } from '../../support/streams/gate.ts'

const unexpected = (error: unknown) => {
  throw error
}

describe('a lane', () => {
  it('does at once what need not wait', () => {
    const done: string[] = []
    const lane = new Lane(unexpected)
    lane.run(() => void done.push('first'))
    lane.run(() => void done.push('second'))
    expect(done).toEqual(['first', 'second'])
    expect(lane.isBusy).toBe(false)
  })

  it('queues what comes behind something that waits, and keeps the order', async () => {
    const done: string[] = []
    const lane = new Lane(unexpected)
    const { open, passed } = gate()
    lane.run(() => passed.then(() => void done.push('slow')))
    lane.run(() => void done.push('fast'))
    lane.run(async () => void done.push('later'))
    lane.run(() => void done.push('last'))
    expect([done, lane.waiting]).toEqual([[], 3])
    open()
    await turn()
    expect(done).toEqual(['slow', 'fast', 'later', 'last'])
    expect([lane.isBusy, lane.waiting]).toEqual([false, 0])
  })

  it('does what is asked of it from inside after what is under way', () => {
    const done: string[] = []
    const lane = new Lane(unexpected)
    lane.run(() => {
      lane.run(() => void done.push('inner'))
      done.push('outer')
    })
    expect(done).toEqual(['outer', 'inner'])
  })

  it('goes on behind what throws, now or later', async () => {
    const [done, failures]: [string[], unknown[]] = [[], []]
    const lane = new Lane((error) => failures.push(error))
    lane.run(() => {
      throw 'now'
    })
    lane.run(() => Promise.reject('later'))
    lane.run(() => void done.push('on'))
    await turn()
    expect([done, failures]).toEqual([['on'], ['now', 'later']])
  })

  it('says when it is idle', async () => {
    const lane = new Lane(unexpected)
    const said: string[] = []
    lane.whenIdle(() => said.push('at once'))
    const { open, passed } = gate()
    lane.run(() => passed)
    lane.whenIdle(() => said.push('afterwards'))
    expect(said).toEqual(['at once'])
    open()
    await turn()
    expect(said).toEqual(['at once', 'afterwards'])
  })
})

describe('lanes by name', () => {
  it('do not wait for one another', async () => {
    const done: string[] = []
    const lanes = new Lanes(unexpected)
    const { open, passed } = gate()
    lanes.run('bob', () => passed.then(() => void done.push('bob 1')))
    lanes.run('bob', () => void done.push('bob 2'))
    lanes.run('carol', () => void done.push('carol'))
    expect(done).toEqual(['carol'])
    open()
    await turn()
    expect(done).toEqual(['carol', 'bob 1', 'bob 2'])
    lanes.run('bob', () => void done.push('bob 3'))
    expect(done.at(-1)).toBe('bob 3')
  })
})
