import { describe, expect, it } from 'vitest'
import { parseToml } from '../../src/config/toml-document.ts'
import { leastCpuTime } from '../support/processes/cpu-time.ts'

const read = (document: string) => parseToml(document, { source: 'f', hint: 'h' })
const valuesOf = (document: string) => read(document).values
const linesOf = (document: string) => read(document).lines

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
    const lines = linesOf(document)
    const expected = leaves(valuesOf(document))
    expect(expected.length).toBeGreaterThan(1)
    expect(expected.map(([path]) => [path, lines.get(path)])).toEqual(expected)
  })

  it.each(TRAPS)('behind %s', (_, document, line) => {
    expect(Object.keys(valuesOf(document))).toContain('last')
    expect(linesOf(document).get('last')).toBe(line)
  })

  it('of a table is that of its head', () => {
    const lines = linesOf('\n[a]\n[[b]]\n[[b]]\n\n[b.c]\nd.e = 1')
    expect(Object.fromEntries(lines)).toEqual({
      a: 2,
      'b[0]': 3,
      'b[1]': 4,
      'b[1].c': 6,
      'b[1].c.d': 7,
      'b[1].c.d.e': 7,
    })
  })

  it('is not kept for a path that is far too long', () => {
    const long = 'k'.repeat(1_000)
    expect([...linesOf(`[${long}]\na = 1\nb = 2\n[c]`)]).toEqual([
      [long, 1],
      ['c', 4],
    ])
  })

  it('is found in linear time', () => {
    const document = `a = [${'{ b = "c" },'.repeat(10_000)}]\nlast = 1\n${'# comment "\n'.repeat(10_000)}`
    const work = () => expect(linesOf(document).get('last')).toBe(2)
    expect(leastCpuTime(work, 3_000)).toBeLessThan(3_000)
  })
})

/** What TOML has, each with what it means. */
const VALUES: readonly (readonly [name: string, document: string, values: object])[] = [
  ['nothing', '', {}],
  ['a comment alone', '# ä \t', {}],
  ['a byte order mark', '\uFEFFa = 1', { a: 1 }],
  ['lines that end as in Windows', 'a = 1\r\n[b]\r\nc = """\r\nx\r\ny"""\r\n', { a: 1, b: { c: 'x\ny' } }],
  ['integers', 'a = [0, -0, +1, 1_000, 0xDead_beef, 0o17, 0b101]', { a: [0, 0, 1, 1000, 0xdeadbeef, 15, 5] }],
  ['the largest integer', 'a = 9007199254740991', { a: Number.MAX_SAFE_INTEGER }],
  ['the smallest integer', 'a = -9007199254740991', { a: Number.MIN_SAFE_INTEGER }],
  ['floats', 'a = [1.5, -0.0, 6.6e-3, 1e2, 1E+0_1]', { a: [1.5, -0, 0.0066, 100, 10] }],
  ['what is not a number', 'a = [nan, -nan, inf, -inf]', { a: [Number.NaN, Number.NaN, Infinity, -Infinity] }],
  ['booleans', 'a = [true, false]', { a: [true, false] }],
  ['a basic string', String.raw`a = "\b\t\n\f\r\"\\\u00e4\U0001F511"`, { a: '\b\t\n\f\r"\\ä\u{1F511}' }],
  ['a literal string', String.raw`a = 'C:\x "y"'`, { a: String.raw`C:\x "y"` }],
  ['a basic string of many lines', 'a = """\nx \\\n\n   y""z"""""', { a: 'x y""z""' }],
  ['quotes behind a line that goes on', 'a = """x\\\n """""', { a: 'x""' }],
  ['a literal string of many lines', "a = '''\n\\x'''", { a: '\\x' }],
  ['a point in time', 'a = 1979-05-27T07:32:00.5-07:00', { a: new Date('1979-05-27T14:32:00.5Z') }],
  ['arrays', 'a = [[1, 2,], ["x"], [], # c\n true]', { a: [[1, 2], ['x'], [], true] }],
  ['keys', '"" = 1\n"a.b".\'c\' = 2\n1.-_2 = 3', { '': 1, 'a.b': { c: 2 }, '1': { '-_2': 3 } }],
  ['dotted keys and a table below', '[a]\nb.c = 1\nb.d = 2\n[a.b.e]\nf = 3', { a: { b: { c: 1, d: 2, e: { f: 3 } } } }],
  ['a table after the one in it', '[a.b]\nc = 1\n[a]\nd = 2', { a: { b: { c: 1 }, d: 2 } }],
  [
    'arrays of tables',
    '[[a]]\nb = 1\n[[a.c]]\n[[a.c]]\nd = 2\n[[a]]\n[a.c]',
    { a: [{ b: 1, c: [{}, { d: 2 }] }, { c: {} }] },
  ],
  ['inline tables', 'a = { b.c = 1, b.d = {}, e = [{}, { f = 2 }] }', { a: { b: { c: 1, d: {} }, e: [{}, { f: 2 }] } }],
  ['what TOML 1.1 added', 'a = { b = "\\e\\x41",\n c = 1, # d\n}', { a: { b: '\u001bA', c: 1 } }],
]

const DATES = [
  '1979-05-27T07:32:60Z',
  '1979-05-27t07:32:00z',
  '1979-05-27 07:32:00',
  '2000-02-29',
  '07:32:00.999999',
  '07:32',
]

describe('the values', () => {
  it.each(VALUES)('of %s', (_, document, values) => {
    expect(valuesOf(document)).toEqual(values)
  })

  it.each(DATES)('of %s are dates', (date) => {
    const { a } = valuesOf(`a = ${date}`)
    expect(a).toBeInstanceOf(Date)
    expect(Number(a)).not.toBeNaN()
  })

  it('do not reach prototypes', () => {
    const {
      a,
      b,
      __proto__: own,
    } = valuesOf(
      '__proto__.p = 1\n[a.__proto__]\np = 1\n[b]\nconstructor.prototype.p = 1\nc = { __proto__ = { p = 1 } }',
    )
    expect([own, a, b].map((table) => Object.keys(table as object))).toEqual([
      ['p'],
      ['__proto__'],
      ['constructor', 'c'],
    ])
    expect('p' in {}).toBe(false)
  })
})

describe('a hostile document', () => {
  const DEEP = 100_000
  const tooDeep = /^f:1:\d+: tables and arrays are more than 100 deep$/

  it.each([
    ['arrays', `a = ${'['.repeat(101)}${']'.repeat(101)}`, /^f:1:105: tables and arrays are more than 100 deep$/],
    ['inline tables', `a = ${'{ a = '.repeat(100)}1${'}'.repeat(100)}`, tooDeep],
    ['keys', `a${'.a'.repeat(DEEP)} = 1`, tooDeep],
    ['names of tables', `[a${'.a'.repeat(DEEP)}]`, tooDeep],
    ['arrays that do not end', `a = ${'['.repeat(DEEP)}`, /^f:1:100005: expected a value, not the end of the file$/],
    ['arrays that exhaust the stack', `a = ${'['.repeat(DEEP)}${']'.repeat(DEEP)}`, /^f: a value is .*too deeply$/],
    ['characters', `a = "${'x'.repeat(800_000)}"`, /^f: a value is too long/],
  ])('with too many %s is refused', (_, document, message) => {
    const refused = { code: 'BAD_INPUT', hint: 'h', message: expect.stringMatching(message) }
    expect(() => read(document)).toThrow(expect.objectContaining(refused))
  })

  it('may be as deep as any configuration', () => {
    expect(linesOf(`a = ${'['.repeat(99)}${']'.repeat(99)}`).get(`a${'[0]'.repeat(98)}`)).toBe(1)
  })
})
