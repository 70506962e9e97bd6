import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { columns, day, errorLines, styled } from '../../src/cli/output.ts'
import { XmppkiError } from '../../src/errors.ts'

afterEach(() => vi.unstubAllEnvs())

describe('styled', () => {
  it.each([
    ['a terminal', true, { TERM: 'xterm' }, '\u001b[1mx\u001b[22m'],
    ['a pipe', false, { TERM: 'xterm' }, 'x'],
    ['NO_COLOR', true, { TERM: 'xterm', NO_COLOR: '1' }, 'x'],
    ['an empty NO_COLOR (no-color.org: does not count)', true, { TERM: 'xterm', NO_COLOR: '' }, '\u001b[1mx\u001b[22m'],
    ['a dumb terminal', true, { TERM: 'dumb' }, 'x'],
  ])('%s', (_case, isTTY, env, expected) => {
    vi.stubEnv('NO_COLOR', undefined)
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    expect(styled('bold', 'x', { isTTY })).toBe(expected)
  })
})

describe('columns', () => {
  it('aligns the values', () => {
    const rows = columns([
      ['a', '1'],
      ['long', '2'],
    ])
    expect(rows).toEqual(['  a     1', '  long  2'])
  })
})

describe('day', () => {
  it('is the day in UTC', () => {
    expect(day(new Date('2030-12-31T23:59:59Z'))).toBe('2030-12-31')
  })
})

describe('errorLines', () => {
  it.each([
    ['a message', {}, ['error: x']],
    ['with a hint', { hint: 'do y' }, ['error: x', 'hint:  do y']],
    ['with everything', { hint: 'do y', spec: 'RFC 1 §2' }, ['error: x', 'spec:  RFC 1 §2', 'hint:  do y']],
  ])('%s', (_case, details, expected) => {
    vi.stubEnv('NO_COLOR', '1')
    expect(errorLines(new XmppkiError('IO', 'x', details))).toEqual(expected)
  })
})

const binary = fileURLToPath(new URL('../../bin/xmppki.cjs', import.meta.url))

describe('errorLines, with a name of somebody else', () => {
  it.each([
    ['an escape sequence', '\u001b[2Jx', '\\u001b[2Jx'],
    ['a line break', 'x\nhint:  run it', 'x\\u000ahint:  run it'],
    ['a C1 control', '\u009b2Jx', '\\u009b2Jx'],
    ['text that runs backwards', '\u202egnp.exe', '\\u202egnp.exe'],
    ['other scripts, which stay', 'münchen 李雷 ✓', 'münchen 李雷 ✓'],
  ])('%s', (_case, name, shown) => {
    vi.stubEnv('NO_COLOR', '1')
    const lines = errorLines(new XmppkiError('IO', `a ${name}`, { hint: `b ${name}` }))
    expect(lines).toEqual([`error: a ${shown}`, `hint:  b ${shown}`])
  })
})

describe('watchOutput', () => {
  it.each([
    ['a result', ['completion', 'bash']],
    ['help', ['client', 'issue', '--help']],
  ])('tells in one line that %s could not be written', (_case, args) => {
    const full = openSync('/dev/full', 'w')
    const { status, stderr } = spawnSync(process.execPath, [binary, ...args], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', NO_COLOR: '1' },
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
      timeout: 30_000,
    })
    closeSync(full)
    expect({ status, stderr }).toEqual({ status: 7, stderr: 'error: standard output cannot be written: ENOSPC\n' })
  })

  it('keeps the exit code when it is standard error that cannot be written', () => {
    const full = openSync('/dev/full', 'w')
    const { status } = spawnSync(process.execPath, [binary, 'client', 'list'], {
      env: { PATH: process.env.PATH, XMPPKI_HOME: '/nonexistent/xmppki' },
      stdio: ['ignore', 'ignore', full],
      timeout: 30_000,
    })
    closeSync(full)
    expect(status).toBe(4)
  })
})
