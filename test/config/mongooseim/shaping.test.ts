import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../../src/config/load.ts'
import { importMongooseim } from '../../../src/config/mongooseim/import-config.ts'

/** `max_bytes_per_second` of the first listener, and what is said about shapers and access rules. */
function shaped(text: string) {
  const { toml, remarks } = importMongooseim(text, 'the file')
  const context = { file: '/etc/xmppki.toml', home: '/nonexistent', overrides: [], defaultHost: 'workspace.example' }
  const { configuration, problems } = checkConfiguration(toml, context)
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  const lines = remarks.map(({ kind, option, reason }) => `${kind}: ${option}: ${reason}`)
  return {
    limit: configuration?.listen.c2s[0]?.max_bytes_per_second,
    isSaid: toml.includes('max_bytes_per_second'),
    remarks: lines.filter((line) => /shaper|access/.test(line)),
  }
}

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
}

const DEFAULT = 131_072
const LIKEWISE = 'reading is delayed in the same way'

const toml = (listener: string, rest: string) => `[[listen.c2s]]\nport = 5222\n${listener}\n${rest}\n`
const cfg = (listener: string, rest: string) => `{listen, [{5222, ejabberd_c2s, [${listener}]}]}. ${rest}`

/** As they come with the releases. */
const TOML_SHAPERS =
  '[shaper.normal]\nmax_rate = 16_384\n[shaper.slow]\nmax_rate = 500\n[shaper.vast]\nmax_rate = 2_000_000_000'
const CFG_SHAPERS =
  '{shaper, normal, {maxrate, 16384}}. {shaper, slow, {maxrate, 500}}. {shaper, vast, {maxrate, 2000000000}}. {shaper, open, none}.'

/** The same rule in both notations; access classes and values, in order. */
function rule(...clauses: readonly (readonly [acl: string, value: string])[]) {
  const tables = clauses.map(([acl, value]) => `{acl = "${acl}", value = "${value}"}`)
  const tuples = clauses.map(([acl, value]) => `{${value}, ${acl}}`)
  return {
    toml: toml('shaper = "c2s_shaper"', `[access]\nc2s_shaper = [${tables.join(', ')}]\n${TOML_SHAPERS}`),
    cfg: cfg('{shaper, c2s_shaper}', `{access, c2s_shaper, [${tuples.join(', ')}]}. ${CFG_SHAPERS}`),
  }
}

describe.each(['toml', 'cfg'] as const)('the shaper of a listener, %s', (notation) => {
  const name = notation === 'toml' ? 'listen.c2s 5222' : 'listen 5222 ejabberd_c2s'

  it.each([
    ['for all', rule(['all', 'normal']), 16_384],
    ['for all, after some others', rule(['admin', 'none'], ['all', 'normal']), 16_384],
    ['none, for all', rule(['all', 'none']), 'infinity'],
    ['less than is allowed', rule(['all', 'slow']), 1_000],
    ['more than is allowed', rule(['all', 'vast']), 1_000_000_000],
  ])('is what the access rule says: %s', (_, texts, limit) => {
    expect(shaped(texts[notation])).toMatchObject({ limit, isSaid: true })
  })

  it('is delayed in the same way, which is said', () => {
    const { remarks } = shaped(rule(['all', 'normal'])[notation])
    expect(remarks[0]).toContain(`different: ${name} shaper: is now max_bytes_per_second = 16384: ${LIKEWISE}`)
  })

  it.each([
    ['a rule that is for some only', rule(['admin', 'normal']), 'the access rule c2s_shaper has no shaper for all'],
    ['a rule without clauses', rule(), 'the access rule c2s_shaper has no shaper for all'],
    ['a rule that is about something else', rule(['all', 'deny']), 'there is no shaper deny'],
    ['a shaper that is not there', rule(['all', 'quick']), 'there is no shaper quick'],
  ])('is left out with %s', (_, texts, reason) => {
    const { limit, isSaid, remarks } = shaped(texts[notation])
    expect({ limit, isSaid }).toEqual({ limit: DEFAULT, isSaid: false })
    expect(remarks).toContain(`left out: ${name} shaper: ${reason}; the default of max_bytes_per_second holds`)
  })

  it('is one for everybody: other classes are named, if they come first and have another', () => {
    const clauses = [
      ['admin', 'none'],
      ['none', 'slow'],
      ['local', 'normal'],
      ['all', 'normal'],
      ['late', 'slow'],
    ] as const
    const { remarks } = shaped(rule(...clauses)[notation])
    expect(remarks.filter((line) => line.startsWith('left out: access c2s_shaper'))).toEqual([
      'left out: access c2s_shaper admin: max_bytes_per_second of a listener holds for everybody there',
    ])
  })

  it.each([
    ['slow', 'was 500, which is less than max_bytes_per_second can be'],
    ['vast', 'was 2000000000, which is more than max_bytes_per_second can be'],
  ])('is brought within the bounds, which is said: %s', (shaper, reason) => {
    expect(shaped(rule(['all', shaper])[notation]).remarks).toContain(`different: ${name} shaper: ${reason}`)
  })

  it('is not said to be left out, nor is its rule; others are', () => {
    const { remarks } = shaped(rule(['all', 'normal'])[notation])
    expect(remarks.filter((line) => line.startsWith('left out: access'))).toEqual([])
    const others = notation === 'toml' ? 'slow, vast' : 'slow, vast, open'
    expect(remarks).toContain(`left out: shaper: no listener for clients uses ${others}`)
  })

  it('is the default where nothing is said', () => {
    const text = notation === 'toml' ? toml('', '') : cfg('', '')
    expect(shaped(text)).toEqual({ limit: DEFAULT, isSaid: false, remarks: [] })
  })
})

describe('a listener that names the shaper itself', () => {
  it.each([
    ['TOML', toml('shaper = "normal"', TOML_SHAPERS), 16_384],
    ['TOML, none', toml('shaper = "none"', ''), 'infinity'],
    ['cfg', cfg('{shaper, normal}', CFG_SHAPERS), 16_384],
    ['cfg, none', cfg('{shaper, none}', ''), 'infinity'],
    ['cfg, a shaper that is none', cfg('{shaper, open}', CFG_SHAPERS), 'infinity'],
    ['a new server', fixture('a-new-server.toml'), 20_000],
    ['an old server', fixture('an-old-server.cfg'), 32_768],
  ])('%s', (_, text, limit) => {
    expect(shaped(text)).toMatchObject({ limit, isSaid: true })
  })

  it('leaves other shapers and access rules out', () => {
    const { remarks } = shaped(fixture('an-old-server.cfg'))
    expect(remarks).toContain('left out: shaper: no listener for clients uses machines')
    expect(remarks.join('\n')).toContain('left out: access: there are no access rules')
  })
})

describe('where MongooseIM may not have limited anybody', () => {
  const BY_RULE = 'releases 6.1 to 6.3 pass the access rule over, and limit nobody'
  const BY_NAME = 'MongooseIM to 6.0 looks for an access rule of that name, and limits nobody'

  it.each([
    ['a rule in TOML', rule(['all', 'normal']).toml, [BY_RULE]],
    ['a rule in TOML that limits nobody anyway', rule(['all', 'none']).toml, []],
    ['a rule in a cfg', rule(['all', 'normal']).cfg, []],
    ['a shaper in TOML', toml('shaper = "normal"', TOML_SHAPERS), []],
    ['a shaper in a cfg', cfg('{shaper, normal}', CFG_SHAPERS), [BY_NAME]],
    ['no shaper in a cfg', cfg('{shaper, none}', ''), []],
  ])('says so: %s', (_, text, expected) => {
    const { remarks } = shaped(text)
    expect([BY_RULE, BY_NAME].filter((reason) => remarks.some((line) => line.endsWith(reason)))).toEqual(expected)
  })
})

describe('what cannot be read', () => {
  it.each([
    ['a rate of no number', toml('shaper = "a"', '[shaper.a]\nmax_rate = "fast"'), 'the shaper a has no rate'],
    ['a rate of nothing', toml('shaper = "a"', '[shaper.a]\nmax_rate = 0'), 'the shaper a has no rate'],
    ['a shaper without a rate', toml('shaper = "a"', '[shaper]\na = 1000'), 'the shaper a has no rate'],
    ['a rule of no clauses', toml('shaper = "a"', '[access]\na = ["b"]'), 'the access rule a has no shaper for all'],
    [
      'a shaper that is there twice',
      cfg('{shaper, a}', '{shaper, a, {maxrate, 2000}}. {shaper, a, {maxrate, 3000}}.'),
      'the shaper a has no rate',
    ],
    ['a rule of a cfg', cfg('{shaper, a}', '{access, a, b}.'), 'the access rule a has no shaper for all'],
    ['an empty rule of a cfg', cfg('{shaper, a}', '{access, a, [{}]}.'), 'the access rule a has no shaper for all'],
  ])('is left out: %s', (_, text, reason) => {
    const { limit, remarks } = shaped(text)
    expect(limit).toBe(DEFAULT)
    expect(remarks.join('\n')).toContain(reason)
  })

  it('a clause of TOML without a class is for all', () => {
    const text = toml('shaper = "a"', '[access]\na = [{value = "normal"}]\n[shaper.normal]\nmax_rate = 2000')
    expect(shaped(text).limit).toBe(2_000)
  })

  it('an option that only the documentation of 3.x names', () => {
    const { limit, remarks } = shaped(cfg('{c2s_shaper, normal}', ''))
    expect(limit).toBe(DEFAULT)
    expect(remarks).toEqual([
      'left out: listen 5222 ejabberd_c2s c2s_shaper: the option that MongooseIM reads is called shaper',
    ])
  })
})
