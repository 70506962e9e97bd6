import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { keyPositions } from '../../src/config/positions.ts'
import { leastCpuTime } from '../support/cpu-time.ts'

/** Each value of the document is the number of the line that its key is on. */
const DOCUMENTS: readonly (readonly [name: string, document: string])[] = [
  ['keys and comments', '# a comment\n\na = 3 # = "x"\n\t b=4\r\n# [c]\n'],
  ['tables', '[a]\nb = 2\n[a.c]\nd = 4\n[ e . "f" ]\ng = 6'],
  [
    'arrays of tables',
    '[[a]]\nb = 2\n[[a]]\nb = 4\n[a.c]\nd = 6\n[[a.e]]\nf = 8\n[[a.e]]\nf = 10\n[[a]]\n[a.c]\nd = 13',
  ],
  ['dotted and quoted keys', 'a.b.c = 1\n"x y"."q.r" = 2\n\'lit\'.a = 3\n"\\u0041" = 4'],
  ['inline tables', 'a = { b = 1, c = { d = 1 }, "e" = 1 }\nf = 2'],
  ['inline tables in arrays', 'a = [\n  { b = 2 }, # two\n  { b = 3,\n c = 4 },\n]\nd = 6'],
  ['arrays of many lines', 'a.b = { c = 1 }\n# [no]\nd = [\n  {e = 4},\n\n]\nf = 7'],
]

/** Strings that look like keys, tables and ends of strings. */
const TRAPS: readonly (readonly [name: string, document: string, line: number])[] = [
  ['a basic string', 'x = "a \\" [b]\\nlast = 1"\nlast = 2', 2],
  ['a literal string', "x = '[b] \\'\nlast = 2", 2],
  ['a basic string of many lines', 'x = """\n[b]\nlast = 1 \\""" ""\n"""""\nlast = 5', 5],
  ['a literal string of many lines', "x = '''\n[b]\n'' last = 1'''\nlast = 4", 4],
  ['a date', 'x = 1979-05-27 07:32:00\nlast = 2', 2],
  ['floats and the like', 'x = [1.5, -inf, +nan, 0x1F, 1e3]\nlast = 2', 2],
  ['empty containers', 'x = []\ny = {}\nz = ""\nlast = 4', 4],
]

function leaves(value: unknown, path = ''): [path: string, line: unknown][] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leaves(item, `${path}[${index}]`))
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([key, item]) => {
    const word = /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
    return leaves(item, path === '' ? word : `${path}.${word}`)
  })
}

describe('the line of a key', () => {
  it.each(DOCUMENTS)('in %s', (_, document) => {
    const lines = keyPositions(document)
    const expected = leaves(parse(document))
    expect(expected.length).toBeGreaterThan(1)
    expect(expected.map(([path]) => [path, lines.get(path)])).toEqual(expected)
  })

  it.each(TRAPS)('behind %s', (_, document, line) => {
    // It is the parser that decides what is TOML.
    expect(Object.keys(parse(document))).toContain('last')
    expect(keyPositions(document).get('last')).toBe(line)
  })

  it('of a table is that of its head', () => {
    const lines = keyPositions('\n[a]\n[[b]]\n[[b]]\n\n[b.c]\nd.e = 1')
    expect(Object.fromEntries(lines)).toEqual({
      a: 2,
      'b[0]': 3,
      'b[1]': 4,
      'b[1].c': 6,
      'b[1].c.d': 7,
      'b[1].c.d.e': 7,
    })
  })

  it('is found in linear time', () => {
    const document = `a = [${'{ b = "c" },'.repeat(40_000)}]\nlast = 1\n${'# comment "\n'.repeat(20_000)}`
    const work = () => expect(keyPositions(document).get('last')).toBe(2)
    expect(leastCpuTime(work, 3_000)).toBeLessThan(3_000)
  })
})
