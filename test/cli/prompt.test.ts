import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { askHidden, Interrupted, type TerminalInput } from '../../src/cli/prompt.ts'
import { CliHome } from '../support/processes/cli.ts'

/** A terminal whose keys are typed by the test: what is not read stays, as in a stream. */
class Terminal extends EventEmitter implements TerminalInput {
  raw = false
  readonly shown: string[] = []
  #waiting: Buffer[]

  constructor(...chunks: (string | Buffer)[]) {
    super()
    this.#waiting = chunks.map((chunk) => Buffer.from(chunk))
  }

  setRawMode(on: boolean): void {
    this.raw = on
  }

  resume(): void {
    while (this.listenerCount('data') > 0) {
      const chunk = this.#waiting.shift()
      if (chunk === undefined) return
      this.emit('data', chunk)
    }
  }

  pause(): void {}

  unshift(chunk: Buffer): void {
    this.#waiting.unshift(chunk)
  }

  write(text: string): void {
    this.shown.push(text)
  }

  ask(): Promise<string> {
    return askHidden('passphrase: ', this, this)
  }
}

describe('askHidden', () => {
  it.each([
    ['a line', ['secret\r'], 'secret'],
    ['single keys', ['s', 'e', 'c', '\r'], 'sec'],
    ['backspace', ['secrex\x7ft\r'], 'secret'],
    ['backspace over a character outside the BMP', ['a💥\x7fb\r'], 'ab'],
    ['more backspaces than characters', ['a\b\b\bb\r'], 'b'],
    ['Ctrl-U', ['wrong\x15right\r'], 'right'],
    ['arrow keys', ['ab\x1b[D\x1b[1;5Cc\r'], 'abc'],
    ['function keys', ['ab\x1bOP\x1b[15~c\r'], 'abc'],
    ['Alt with a letter', ['ab\x1bxc\r'], 'abc'],
    ['Alt with Backspace', ['ab\x1b\x7fc\r'], 'abc'],
    ['Escape before Enter', ['abc\x1b\r'], 'abc'],
    ['Escape twice before Enter', ['abc\x1b\x1b\r'], 'abc'],
    ['Enter in the middle of a sequence', ['abc\x1b[\r'], 'abc'],
    ['reports of the terminal', ['ab\x1b[12;40R\x1b[<0;1;2M\x1b[?62;c\x1b[2026;2$yc\r'], 'abc'],
    ['a report split over two reads', ['ab\x1b[?6', '2;cc\r'], 'abc'],
    ['brackets', ['a[1;b]\r'], 'a[1;b]'],
    ['other control characters', ['a\tb\x01\x10c\r'], 'abc'],
    ['a bracketed paste', ['\x1b[200~pasted\x1b[201~\r'], 'pasted'],
    ['Ctrl-D after characters', ['secret\x04'], 'secret'],
    ['UTF-8 split over two reads', [Buffer.from([0xc3]), Buffer.from([0xbc, 0x0d])], 'ü'],
    ['nothing', ['\n'], ''],
  ])('reads %s', async (_case, chunks, expected) => {
    const terminal = new Terminal(...chunks)
    expect(await terminal.ask()).toBe(expected)
    expect(terminal.shown).toEqual(['passphrase: ', '\n'])
    expect(terminal.raw).toBe(false)
    expect(terminal.listenerCount('data')).toBe(0)
  })

  it('leaves what was pasted after the line to the next question', async () => {
    const terminal = new Terminal('first\rsecond\rthird')
    expect([await terminal.ask(), await terminal.ask()]).toEqual(['first', 'second'])
  })

  it.each([
    ['Ctrl-C', 'abc\x03', Interrupted],
    ['Ctrl-C after Escape', 'abc\x1b\x03', Interrupted],
    ['Ctrl-D at once', '\x04', /no passphrase was typed/],
  ])('gives up at %s and restores the terminal', async (_case, keys, expected) => {
    const terminal = new Terminal(keys)
    await expect(terminal.ask()).rejects.toThrow(expected)
    expect(terminal.raw).toBe(false)
  })
})

const binary = fileURLToPath(new URL('../../bin/xmppki.cjs', import.meta.url))

/** Runs a command on a pseudo-terminal of util-linux's script(1) and types the keys. */
function onTerminal(cli: CliHome, words: string, keys: readonly string[]): Promise<string> {
  const command = `stty -echo; '${process.execPath}' '${binary}' ${words}; echo "exit $?"`
  const env = { PATH: process.env['PATH'], HOME: cli.folder, XMPPKI_HOME: cli.home, NO_COLOR: '1', SHELL: '/bin/sh' }
  return new Promise((resolve) => {
    const child = execFile('script', ['-qec', command, '/dev/null'], { env, timeout: 100_000 }, (_error, stdout) =>
      resolve(stdout),
    )
    const waiting = [...keys]
    let seen = ''
    child.stdout?.on('data', (text: string) => {
      seen += text
      // Each question ends in a colon and a space, and has to be asked before it is answered.
      if (!/(CA key|alice@localhost)(, once more)?: $/.test(seen)) return
      seen = ''
      child.stdin?.write(waiting.shift() ?? '')
    })
  })
}

describe.runIf(existsSync('/usr/bin/script'))('ca init on a terminal', () => {
  it.each([
    ['takes a passphrase typed twice', ['geheim\r', 'geheim\r'], /Made the root CA[\s\S]*exit 0/],
    ['refuses two different ones', ['geheim\r', 'gehein\r'], /error: the two passphrases differ[\s\S]*exit 5/],
    ['refuses a blank one', [' \r'], /error: the passphrase of the CA key is blank[\s\S]*exit 5/],
    ['ends at Ctrl-C', ['geh\x03'], /exit 130/],
  ])('%s and shows none of it', async (_case, keys, expected) => {
    const cli = new CliHome()
    const screen = await onTerminal(cli, 'ca init', keys)
    expect(screen).toMatch(expected)
    expect(screen).not.toMatch(/gehei|geh/)
    expect(existsSync(`${cli.home}/ca`)).toBe(/exit 0/.test(screen))
    cli.remove()
  })
})

describe.runIf(existsSync('/usr/bin/script'))('user add on a terminal', () => {
  it.each([
    ['takes a password typed twice', ['geheim\r', 'geheim\r'], /alice@localhost added[\s\S]*exit 0/],
    ['refuses two different ones', ['geheim\r', 'gehein\r'], /error: the two passwords differ[\s\S]*exit 5/],
    ['ends at Ctrl-C', ['geh\x03'], /exit 130/],
  ])('%s and shows none of it', async (_case, keys, expected) => {
    const cli = new CliHome()
    await cli.run(['ca', 'init', '--no-passphrase'])
    const screen = await onTerminal(cli, 'user add alice', keys)
    expect(screen).toMatch(expected)
    expect(screen).not.toMatch(/gehei|geh/)
    const { stdout } = await cli.run(['user', 'list', '--json'])
    expect(JSON.parse(stdout).accounts).toHaveLength(/exit 0/.test(screen) ? 1 : 0)
    cli.remove()
  })
})
