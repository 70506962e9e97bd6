import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'
import { program } from '../program.ts'

const PASSPHRASE = 'correct horse battery staple'
const env = { XMPPKI_BACKUP_PASSPHRASE: PASSPHRASE }

/** Two names that do not fit into a header of tar. */
const LONG = [`${'x'.repeat(120)}/${'y'.repeat(120)}`, `${'ä'.repeat(60)}/${'ü'.repeat(60)}`]

const cli = new CliHome()
beforeAll(async () => {
  expect((await cli.run(['ca', 'init', '--no-passphrase'])).code).toBe(0)
  expect((await cli.run(['client', 'issue', 'alice', 'münchen'])).code).toBe(0)
  for (const path of LONG) {
    mkdirSync(dirname(cli.path('home', path)))
    writeFileSync(cli.path('home', path), path)
  }
})
afterAll(() => cli.remove())

/** age takes passphrases from a terminal only. */
const PTY = `
import os, pty, sys
answers = int(sys.argv[1])
def read(fd):
    global answers
    data = os.read(fd, 1024)
    if answers > 0 and data.rstrip().endswith(b':'):
        answers -= 1
        os.write(fd, sys.argv[2].encode() + b'\\n')
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[3:], read, lambda fd: b'')))
`

const age = (answers: number, ...args: string[]) =>
  program('/usr/bin/python3', ['-c', PTY, String(answers), PASSPHRASE, 'age', ...args])

describe('age', () => {
  it('opens a backup, and tar its content, without xmppki', async () => {
    const made = await cli.run(['ca', 'backup', 'pki.age'], { env })
    expect(made.code).toBe(0)
    const { code, output } = age(1, '--decrypt', '--output', cli.path('pki.tar'), cli.path('pki.age'))
    expect(code, output).toBe(0)
    expect(program('mkdir', [cli.path('opened')]).code).toBe(0)
    expect(program('tar', ['-xpf', cli.path('pki.tar'), '-C', cli.path('opened')]).code).toBe(0)
    const clients = ['clients/localhost/alice/alice.p12', 'clients/localhost/münchen/münchen.key']
    for (const path of ['ca/root.key', ...clients, ...LONG]) {
      expect(readFileSync(cli.path('opened', path)).equals(readFileSync(cli.path('home', path)))).toBe(true)
    }
    expect((await cli.run(['ca', 'audit', '--home', cli.path('opened')])).code).toBe(0)
  })

  it('makes files that ca restore decrypts', async () => {
    writeFileSync(cli.path('again.tar'), readFileSync(cli.path('pki.tar')))
    const { code, output } = age(2, '--encrypt', '--passphrase', '-o', cli.path('again.age'), cli.path('again.tar'))
    expect(code, output).toBe(0)
    const restored = await cli.run(['ca', 'restore', 'again.age', '--home', cli.path('restored')], { env })
    expect(restored.stderr).toBe('')
    for (const path of ['ca/root.key', ...LONG]) expect(existsSync(cli.path('restored', path))).toBe(true)
  })
})
