import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../support/cli.ts'
import { program } from './program.ts'

const PASSPHRASE = 'correct horse battery staple'
const env = { XMPPKI_BACKUP_PASSPHRASE: PASSPHRASE }

const cli = new CliHome()
beforeAll(async () => {
  expect((await cli.run(['ca', 'init', '--no-passphrase'])).code).toBe(0)
  expect((await cli.run(['client', 'issue', 'alice', 'münchen'])).code).toBe(0)
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
    for (const path of ['ca/root.key', 'clients/localhost/alice/alice.p12', 'clients/localhost/münchen/münchen.key']) {
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
    expect(existsSync(cli.path('restored/ca/root.key'))).toBe(true)
  })
})
