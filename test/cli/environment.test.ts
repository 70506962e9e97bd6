import { Flags, Parser } from '@oclif/core'
import { describe, expect, it } from 'vitest'
import { switchOf, withEnvironment } from '../../src/cli/environment.ts'
import { daysFlag } from '../../src/cli/flags.ts'

const flags = {
  days: daysFlag({ env: 'XMPPKI_DAYS', default: 500 }),
  size: Flags.integer({ env: 'XMPPKI_SIZE' }),
  kind: Flags.option({ options: ['red', 'blue'] as const, env: 'XMPPKI_KIND' })(),
  user: Flags.string({ multiple: true, env: 'XMPPKI_USER', default: ['nobody'] }),
  state: Flags.option({ options: ['on', 'off'] as const, multiple: true, env: 'XMPPKI_STATE' })(),
  all: Flags.boolean({ env: 'XMPPKI_ALL' }),
  one: Flags.string({ env: 'XMPPKI_ONE', exclusive: ['all'] }),
}

/** As the commands do it, but with an environment of our own. */
async function parsed(words: readonly string[], environment: NodeJS.ProcessEnv) {
  const line = withEnvironment({ flags, argv: [...words] }, environment)
  return Parser.parse(line.argv, { flags: line.flags, strict: false })
}

const valuesOf = async (words: readonly string[], environment: NodeJS.ProcessEnv) =>
  (await parsed(words, environment)).flags

const refusal = (...parts: string[]) =>
  expect.objectContaining({ message: expect.stringMatching(new RegExp(parts.join('.*'))) })

describe('a flag from the environment', () => {
  it.each([
    ['a value', { XMPPKI_DAYS: '7' }, { days: 7 }],
    ['a value of a list of words', { XMPPKI_KIND: 'blue' }, { kind: 'blue' }],
    ['a value that looks like a flag', { XMPPKI_ONE: '--x=y' }, { one: '--x=y' }],
    ['a list', { XMPPKI_USER: 'alice, bob' }, { user: ['alice', 'bob'] }],
    ['a list of words', { XMPPKI_STATE: 'on,off' }, { state: ['on', 'off'] }],
    ['1', { XMPPKI_ALL: '1' }, { all: true }],
    ['yes', { XMPPKI_ALL: 'Yes' }, { all: true }],
    ['0, which contradicts nothing', { XMPPKI_ALL: '0', XMPPKI_ONE: 'x' }, { one: 'x' }],
    ['no', { XMPPKI_ALL: 'no' }, {}],
    ['an empty value', { XMPPKI_DAYS: '', XMPPKI_ALL: '', XMPPKI_USER: '' }, {}],
  ])('takes %s', async (_case, environment, expected) => {
    expect(await valuesOf([], environment)).toEqual({ days: 500, user: ['nobody'], ...expected })
  })

  it.each([
    ['a value', ['--days', '3'], { XMPPKI_DAYS: '7' }, { days: 3 }],
    ['a value behind =', ['--days=3'], { XMPPKI_DAYS: 'nonsense' }, { days: 3 }],
    ['a list', ['--user', 'carol'], { XMPPKI_USER: 'alice,bob' }, { user: ['carol'] }],
    ['what excludes it', ['--all'], { XMPPKI_ONE: 'x' }, { all: true }],
    ['what it excludes', ['--one', 'x'], { XMPPKI_ALL: '1' }, { one: 'x' }],
    ['not what stands behind --', ['--', '--days=3'], { XMPPKI_DAYS: '7' }, { days: 7 }],
  ])('gives way to the command line: %s', async (_case, words, environment, expected) => {
    expect(await valuesOf(words, environment)).toEqual({ days: 500, user: ['nobody'], ...expected })
  })

  it('leaves the arguments alone, also those behind a flag that takes many words', async () => {
    expect(await parsed(['alice', 'bob'], { XMPPKI_STATE: 'on' })).toMatchObject({ argv: ['alice', 'bob'] })
  })

  it.each([
    ['no number', { XMPPKI_DAYS: 'soon' }, refusal('XMPPKI_DAYS: ', "'soon'")],
    ['no integer', { XMPPKI_SIZE: 'big' }, refusal('XMPPKI_SIZE: ', 'big')],
    ['an unknown word', { XMPPKI_KIND: 'green' }, refusal("XMPPKI_KIND: 'green'", 'red, blue')],
    ['an unknown word in a list', { XMPPKI_STATE: 'on,of' }, refusal("XMPPKI_STATE: 'of'", 'on, off')],
    ['neither on nor off', { XMPPKI_ALL: 'maybe' }, refusal("XMPPKI_ALL must .* not 'maybe'")],
    ['two that contradict each other', { XMPPKI_ALL: '1', XMPPKI_ONE: 'x' }, refusal('--all', '--one')],
  ])('refuses %s and says where it came from', async (_case, environment, expected) => {
    await expect(valuesOf([], environment)).rejects.toEqual(expected)
  })
})

describe('switchOf', () => {
  it.each([
    ['1', true],
    ['TRUE', true],
    ['0', false],
    ['off', false],
    ['2', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is %s', (value, expected) => {
    expect(switchOf(value)).toBe(expected)
  })
})
