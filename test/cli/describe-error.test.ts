import { describe, expect, it } from 'vitest'
import { errorDocument, isQuietExit } from '../../src/cli/describe-error.ts'
import { didYouMean } from '../../src/did-you-mean.ts'
import { type ErrorCode, EXIT_CODES, XmppkiError } from '../../src/errors.ts'
import { runCli } from '../support/processes/cli.ts'

const env = { XMPPKI_HOME: '/nonexistent/xmppki' }

describe('what the command line refuses', () => {
  it.each([
    [
      'a misspelt command',
      ['client', 'isue', 'alice'],
      'unknown command: client isue',
      'did you mean: xmppki client issue',
    ],
    [
      'a misspelt topic',
      ['cleint', 'issue', 'alice'],
      'unknown command: cleint issue',
      'did you mean: xmppki client issue',
    ],
    ['something else', ['frobnicate'], 'unknown command: frobnicate', 'see: xmppki --help'],
    [
      'a misspelt flag',
      ['ca', 'init', '--pasphrase-file', 'x'],
      'unknown flag: --pasphrase-file',
      'did you mean --passphrase-file? see --help',
    ],
    [
      'a secret given to a flag that is none',
      ['ca', 'init', '--passphrase=sesame'],
      'unknown flag: --passphrase',
      'did you mean --passphrase-file? see --help',
    ],
    ['a surplus argument', ['ca', 'init', 'sesame'], 'too many arguments', 'see --help'],
    ['a flag that must be there', ['client', 'export', 'alice'], '--out is missing', 'see --help'],
    [
      'flags that exclude each other',
      ['client', 'list', '--expiring', '30d', '--state', 'valid'],
      '--expiring and --state cannot be given together',
      'see --help',
    ],
    [
      'a flag without those it needs',
      ['doctor', '--p12', 'alice.p12'],
      '--p12 needs --connect, --p12-password-file',
      'see --help',
    ],
    ['a flag without its value', ['ca', 'init', '--days'], 'flag --days expects a value', 'see --help'],
    ['a bad value', ['ca', 'init', '--days', 'x'], "--days must be a whole number from 1 to 36525, not 'x'", undefined],
  ])('%s', async (_case, args, message, hint) => {
    const result = await runCli([...args, '--json'], { env })
    const { error } = JSON.parse(result.stdout)
    expect(error).toMatchObject({ message, exitCode: 2, ...(hint === undefined ? {} : { hint }) })
    expect(result).toMatchObject({ code: 2 })
    expect(result.stdout + result.stderr).not.toContain('sesame')
  })

  it('is said on standard error without --json', async () => {
    const result = await runCli(['client', 'issue', '--out'], { env })
    expect(result).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'error: flag --out expects a value\nhint:  see --help\n',
    })
  })
})

describe('errorDocument', () => {
  it.each(Object.keys(EXIT_CODES) as ErrorCode[])('carries the code %s and its exit code', (code) => {
    expect(errorDocument(new XmppkiError(code, 'text'))).toEqual({ code, message: 'text', exitCode: EXIT_CODES[code] })
  })
})

describe('isQuietExit', () => {
  it.each([
    ['the exit after --help', Object.assign(new Error(), { code: 'EEXIT' }), true],
    ['a closed pipe', Object.assign(new Error(), { code: 'EPIPE' }), true],
    ['any other error', new Error('x'), false],
    ['what is not an error', { code: 'EPIPE' }, false],
  ])('%s', (_case, error, expected) => {
    expect(isQuietExit(error)).toBe(expected)
  })
})

describe('didYouMean', () => {
  it.each([
    ['one letter missing', 'isue', 'issue'],
    ['two letters swapped', 'isseu', 'issue'],
    ['itself', 'init', 'init'],
    ['nothing alike', 'frobnicate', undefined],
    ['too short to tell', 'x', undefined],
    ['the first words of one, before what needs fewer edits', 'key-file', 'key-file-in'],
  ])('%s', (_case, text, expected) => {
    expect(didYouMean(text, ['init', 'issue', 'no-key-file', 'key-file-in'])).toBe(expected)
  })
})
