import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSecretFile } from '../../src/cli/secret.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-secret-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function read(content: string | Buffer, mode = 0o600) {
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  chmodSync(path, mode)
  const warnings: string[] = []
  const request = { label: 'passphrase', flag: '--passphrase-file', warn: (text: string) => warnings.push(text) }
  return { secret: await readSecretFile(path, request), warnings }
}

describe('readSecretFile', () => {
  it.each([
    ['no newline', 'secret', 'secret'],
    ['a newline', 'secret\n', 'secret'],
    ['a newline of Windows', 'secret\r\n', 'secret'],
    ['spaces around, which count', ' sec ret ', ' sec ret '],
    ['other scripts', 'пароль\n', 'пароль'],
  ])('reads one with %s', async (_case, content, secret) => {
    expect(await read(content)).toEqual({ secret, warnings: [] })
  })

  it.each([
    ['nothing', '', 'PASSPHRASE'],
    ['a lone newline', '\n', 'PASSPHRASE'],
    ['spaces', '  \n', 'PASSPHRASE'],
    ['two lines', 'a\nb\n', 'BAD_INPUT'],
    ['two newlines', 'a\n\n', 'BAD_INPUT'],
    ['a NUL', 'a\0b', 'BAD_INPUT'],
    ['invalid UTF-8', Buffer.from([0x61, 0xff]), 'BAD_INPUT'],
    ['a whole file of something else', 'x'.repeat(5000), 'BAD_INPUT'],
  ])('refuses %s', async (_case, content, code) => {
    await expect(read(content)).rejects.toThrow(expect.objectContaining({ code }))
  })

  it.each([
    ['missing', 'NOT_FOUND', 'no such file or folder (ENOENT)'],
    ['.', 'IO', 'it is a folder (EISDIR)'],
  ])('says in words why it cannot be read: %s', async (name, code, reason) => {
    const path = join(folder, name)
    const reading = readSecretFile(path, { label: 'passphrase', flag: '--passphrase-file', warn: () => undefined })
    const message = `cannot read ${path}, given by --passphrase-file: ${reason}`
    await expect(reading).rejects.toThrow(expect.objectContaining({ code, message }))
  })

  it.each([
    [0o600, 0],
    [0o400, 0],
    [0o640, 1],
    [0o604, 1],
  ])('mode %o: %i warning', async (mode, count) => {
    expect((await read('secret', mode)).warnings).toHaveLength(count)
  })

  it('takes a named pipe without a remark about its mode', async () => {
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', ['-m', '666', path])
    const warnings: string[] = []
    const reading = readSecretFile(path, { label: 'passphrase', flag: '-f', warn: (text) => warnings.push(text) })
    spawn('sh', ['-c', 'printf "secret\\n" > "$0"', path])
    expect([await reading, warnings]).toEqual(['secret', []])
  })
})
