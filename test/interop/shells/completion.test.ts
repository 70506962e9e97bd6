import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'
import { program } from '../program.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const binary = fileURLToPath(new URL('../../../bin/xmppki.cjs', import.meta.url))

const SHELLS = {
  bash: ['bash', '--norc'],
  zsh: ['zsh', '-f'],
  fish: ['fish', '-N'],
} as const

type Shell = keyof typeof SHELLS

/** Command lines, and what stands behind the cursor when TAB is pressed; the words must be all that is offered. */
const CASES: readonly (readonly [what: string, line: string, offered: readonly string[]])[] = [
  ['a topic', 'xmppki ser', ['serve', 'server']],
  ['a command', 'xmppki client is', ['issue']],
  ['the commands of a topic', 'xmppki cert ', ['inspect', 'lint', 'verify']],
  ['a flag', 'xmppki client revoke --re', ['--reason']],
  ['a flag behind values', 'xmppki client revoke --reason superseded --all', ['--all-devices']],
  ['the words that a flag allows', 'xmppki client export --format ', ['chain', 'p12', 'pem']],
  ['key types', 'xmppki client issue --key-type ec', ['ec:p256', 'ec:p384']],
  ['reasons', 'xmppki client revoke --reason key', ['keyCompromise']],
  ['the words of an argument', 'xmppki completion ', ['bash', 'fish', 'zsh']],
  ['nothing for a number', 'xmppki ca crl --days ', []],
  ['files of an argument', 'xmppki cert inspect al', ['alice.crt']],
  ['files of a flag', 'xmppki ca crl --out al', ['alice.crt']],
  ['users', 'xmppki client show ', ['alice@localhost', 'bob@localhost']],
  ['users by their start', 'xmppki client renew bob@localhost al', ['alice@localhost']],
  ['no users for a new certificate', 'xmppki client issue al', []],
  ['accounts', 'xmppki user delete ', ['carol@localhost', 'dora@localhost']],
  ['accounts by their start', 'xmppki user passwd d', ['dora@localhost']],
  ['no accounts for a new one', 'xmppki user add d', []],
  ['users of another workspace: none', 'xmppki client revoke --home /nonexistent ', []],
]

const home = new CliHome()
const binaries = home.path('bin')
const log = home.path('starts')

const environment = () => {
  return { PATH: `${binaries}:${process.env['PATH']}`, HOME: home.folder, XMPPKI_HOME: home.home }
}

function complete(shell: Shell, lines: readonly string[], env: NodeJS.ProcessEnv = {}): string[][] {
  const [command, ...flags] = SHELLS[shell]
  const { code, stdout, output } = program(
    command,
    [...flags, join(here, `complete.${shell}`), home.path(`completion.${shell}`), ...lines],
    {
      cwd: home.folder,
      env: { ...environment(), ...env },
    },
  )
  expect(code, output).toBe(0)
  const answers = stdout.split(/^\.\n/m).slice(0, -1)
  return answers.map((answer) => [...new Set(answer.split('\n').filter((word) => word !== ''))].sort())
}

beforeAll(async () => {
  mkdirSync(binaries)
  symlinkSync(binary, join(binaries, 'real'))
  // Counts how often it is started.
  writeFileSync(join(binaries, 'xmppki'), `#!/bin/sh\necho "$*" >>'${log}'\nexec '${join(binaries, 'real')}' "$@"\n`)
  chmodSync(join(binaries, 'xmppki'), 0o755)
  writeFileSync(log, '')
  for (const shell of Object.keys(SHELLS)) {
    const { stdout } = await home.run(['completion', shell])
    writeFileSync(home.path(`completion.${shell}`), stdout)
  }
  await home.run(['ca', 'init', '--no-passphrase'])
  const { code, stderr } = await home.run(['client', 'issue', 'alice', 'bob'])
  expect(code, stderr).toBe(0)
  await home.run(['user', 'add', 'carol', 'dora', '--no-password'])
  writeFileSync(home.path('alice.crt'), '')
  writeFileSync(home.path('two words.crt'), '')
})
afterAll(() => home.remove())

describe.each(Object.keys(SHELLS) as Shell[])('completion in %s', (shell) => {
  let answers: string[][]
  beforeAll(() => {
    // Without the characters at which bash cuts words: what it then completes are whole words, as in the other shells.
    answers = complete(
      shell,
      CASES.map(([, line]) => line),
      { COMP_WORDBREAKS: ' \t\n' },
    )
  })

  it.each(CASES.map(([what, line, offered], index) => ({ what, line, offered, index })))(
    'offers $what: $line',
    ({ offered, index }) => {
      expect(answers[index]).toEqual([...offered])
    },
  )

  it('asks the ledger for names whatever the environment says, and says nothing when there is none', () => {
    const env = { XMPPKI_JSON: '1', XMPPKI_LIST_STATE: 'revoked' }
    expect(complete(shell, ['xmppki client show '], env)).toEqual([['alice@localhost', 'bob@localhost']])
    expect(complete(shell, ['xmppki client show '], { XMPPKI_HOME: home.path('none') })).toEqual([[]])
  })
})

describe('completion', () => {
  it('starts a process for names only', () => {
    writeFileSync(log, '')
    const lines = ['xmppki ', 'xmppki client issue --', 'xmppki ca init --key-type ', 'xmppki cert lint ']
    for (const shell of Object.keys(SHELLS) as Shell[]) complete(shell, lines)
    expect(program('cat', [log]).stdout).toBe('')
  })

  it.each([
    ['behind a colon', 'xmppki client issue --key-type rsa:2', ['2048']],
    ['behind an equals sign', 'xmppki client export --format=p', ['p12', 'pem']],
    ['behind both', 'xmppki client issue --key-type=ec:p2', ['p256']],
    ['from an at sign on', 'xmppki client show alice@', ['@localhost']],
    ['behind a value in quotes', 'xmppki client revoke --file "two words" --rea', ['--reason']],
  ])('gives bash what it replaces: %s', (_case, line, offered) => {
    expect(complete('bash', [line], { COMP_WORDBREAKS: ' \t\n"\'@><=;|&(:' })).toEqual([offered])
  })

  it('completes what is typed into bash', () => {
    const lines = {
      'xmppki client is': 'xmppki client issue ',
      'true && XMPPKI_JSON=1 xmppki ca cr': 'true && XMPPKI_JSON=1 xmppki ca crl ',
      'xmppki ca init --key-type rsa:2': 'xmppki ca init --key-type rsa:2048 ',
      'xmppki client revoke --reason=supers': 'xmppki client revoke --reason=superseded ',
      'xmppki client show alice@lo': 'xmppki client show alice@localhost ',
      'xmppki ca crl --out=tw': 'xmppki ca crl --out=two\\ words.crt ',
      'xmppki cert inspect "tw': 'xmppki cert inspect "two words.crt" ',
    }
    const script = join(here, 'press-tab.zsh')
    const args = ['-f', script, home.path('completion.bash'), ...Object.keys(lines)]
    const { stdout } = program('zsh', args, { cwd: home.folder, env: environment() })
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual(Object.values(lines).map((line) => line.trimEnd()))
  })
})
