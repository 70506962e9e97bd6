import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
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

export type Shell = keyof typeof SHELLS

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

/** A workspace with users and accounts, and a shell that completes command lines in it. */
export class CompletingShell {
  readonly #shell: Shell
  readonly #home = new CliHome()
  readonly #binaries = this.#home.path('bin')
  readonly #log = this.#home.path('starts')

  constructor(shell: Shell) {
    this.#shell = shell
  }

  async prepare(): Promise<void> {
    mkdirSync(this.#binaries)
    const real = join(this.#binaries, 'real')
    symlinkSync(binary, real)
    const counting = join(this.#binaries, 'xmppki')
    writeFileSync(counting, `#!/bin/sh\necho "$*" >>'${this.#log}'\nexec '${real}' "$@"\n`)
    chmodSync(counting, 0o755)
    const { stdout } = await this.#home.run(['completion', this.#shell])
    writeFileSync(this.#script, stdout)
    await this.#home.run(['ca', 'init', '--no-passphrase'])
    const { code, stderr } = await this.#home.run(['client', 'issue', 'alice', 'bob'])
    expect(code, stderr).toBe(0)
    await this.#home.run(['user', 'add', 'carol', 'dora', '--no-password'])
    writeFileSync(this.#home.path('alice.crt'), '')
    writeFileSync(this.#home.path('two words.crt'), '')
  }

  /** What is offered for each of these lines. */
  complete(lines: readonly string[], env: NodeJS.ProcessEnv = {}): string[][] {
    const [command, ...flags] = SHELLS[this.#shell]
    const args = [...flags, join(here, `complete.${this.#shell}`), this.#script, ...lines]
    const { code, stdout, output } = program(command, args, { cwd: this.#home.folder, env: { ...this.#env, ...env } })
    expect(code, output).toBe(0)
    const answers = stdout.split(/^\.\n/m).slice(0, -1)
    return answers.map((answer) => [...new Set(answer.split('\n').filter((word) => word !== ''))].sort())
  }

  /** The lines that are there after TAB, in bash. */
  pressTab(lines: readonly string[]): string[] {
    const args = ['-f', join(here, 'press-tab.zsh'), this.#script, ...lines]
    const { stdout } = program('zsh', args, { cwd: this.#home.folder, env: this.#env })
    return stdout.trimEnd().split('\n')
  }

  /** The arguments of each start of xmppki by this. */
  startsDuring(work: () => void): string {
    writeFileSync(this.#log, '')
    work()
    return readFileSync(this.#log, 'utf8')
  }

  missingHome(): string {
    return this.#home.path('none')
  }

  remove(): void {
    this.#home.remove()
  }

  get #script(): string {
    return this.#home.path(`completion.${this.#shell}`)
  }

  get #env(): NodeJS.ProcessEnv {
    return { PATH: `${this.#binaries}:${process.env['PATH']}`, HOME: this.#home.folder, XMPPKI_HOME: this.#home.home }
  }
}

/** What completion has to do in every shell. @param more tests for one of them */
export function describeCompletion(shell: Shell, more?: (completing: CompletingShell) => void): void {
  describe(`completion in ${shell}`, () => {
    const completing = new CompletingShell(shell)
    let answers: string[][]
    beforeAll(async () => {
      await completing.prepare()
      // Without the characters at which bash cuts words: what it then completes are whole words, as in the other shells.
      answers = completing.complete(
        CASES.map(([, line]) => line),
        { COMP_WORDBREAKS: ' \t\n' },
      )
    })
    afterAll(() => completing.remove())

    it.each(CASES.map(([what, line, offered], index) => ({ what, line, offered, index })))(
      'offers $what: $line',
      ({ offered, index }) => {
        expect(answers[index]).toEqual([...offered])
      },
    )

    it('asks the ledger for names whatever the environment says, and says nothing when there is none', () => {
      const env = { XMPPKI_JSON: '1', XMPPKI_LIST_STATE: 'revoked' }
      const line = ['xmppki client show ']
      expect(completing.complete(line, env)).toEqual([['alice@localhost', 'bob@localhost']])
      expect(completing.complete(line, { XMPPKI_HOME: completing.missingHome() })).toEqual([[]])
    })

    it('starts a process for names only', () => {
      const lines = ['xmppki ', 'xmppki client issue --', 'xmppki ca init --key-type ', 'xmppki cert lint ']
      expect(completing.startsDuring(() => completing.complete(lines))).toBe('')
      expect(completing.startsDuring(() => completing.complete(['xmppki client show ']))).not.toBe('')
    })

    more?.(completing)
  })
}
