import { describe, expect, it } from 'vitest'
import { duration, grouped, ProgressBar, progressLine } from '../../src/cli/progress.ts'

describe('progressLine', () => {
  it.each([
    ['nothing yet', { done: 0, failed: 0, seconds: 0 }, '[                    ] 0 of 1,000'],
    ['half', { done: 500, failed: 0, seconds: 4 }, '[==========          ] 500 of 1,000, 125/s, 4.0 s left'],
    ['slow', { done: 3, failed: 1, seconds: 6 }, '[                    ] 3 of 1,000, 1 failed, 0.5/s, 33 min left'],
    ['the end', { done: 1000, failed: 0, seconds: 10 }, '[====================] 1,000 of 1,000, 100/s, 0.0 s left'],
  ])('%s', (_case, state, line) => {
    expect(progressLine({ ...state, total: 1000 })).toBe(line)
  })
})

describe('ProgressBar', () => {
  function run(stream: { isTTY?: boolean; columns?: number }) {
    let text = ''
    let time = 0
    const bar = new ProgressBar(100, { ...stream, write: (part) => (text += part) }, () => time)
    for (time = 50; time <= 250; time += 50) bar.update(time / 10, 0)
    bar.clear()
    bar.clear()
    return text
  }

  it('draws at most every tenth of a second, each time over the last one, and clears up', () => {
    expect(run({ isTTY: true }).split('\r\x1b[K')).toEqual([
      '',
      expect.stringContaining('5 of 100'),
      expect.stringContaining('15 of 100'),
      expect.stringContaining('25 of 100'),
      '',
    ])
  })

  it('stays within the line', () => {
    const lines = run({ isTTY: true, columns: 30 }).split('\r\x1b[K')
    expect(Math.max(...lines.map(({ length }) => length))).toBe(29)
  })

  it('says nothing where there is no terminal', () => {
    expect(run({})).toBe('')
  })
})

describe('numbers for people', () => {
  it.each([
    [7, '7'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
  ])('%i', (count, text) => expect(grouped(count)).toBe(text))

  it.each([
    [8.12, '8.1 s'],
    [9.97, '10 s'],
    [42, '42 s'],
    [180, '3 min'],
    [7200, '2 h'],
  ])('%d seconds', (seconds, text) => expect(duration(seconds)).toBe(text))
})
