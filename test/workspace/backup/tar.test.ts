import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTar, type TarMember, writeTar } from '../../../src/workspace/backup/tar.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-tar-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const FILE = { kind: 'file', mode: 0o600, modified: 1_700_000_000 } as const
const file = (path: string, text: string): TarMember => {
  const content = Buffer.from(text)
  return { ...FILE, path, size: content.length, content: [content] }
}
const directory = (path: string): TarMember => ({ ...FILE, path, kind: 'folder', mode: 0o700, size: 0, content: [] })

const LONG = `${'ä'.repeat(90)}/${'x'.repeat(150)}/${'y'.repeat(120)}.key`
const MEMBERS = [
  directory('ca'),
  file('ca/root.key', 'secret'),
  file('empty', ''),
  file('block', 'b'.repeat(512)),
  file('münchen$%.crt', 'c'),
  directory('ä'.repeat(90)),
  directory(`${'ä'.repeat(90)}/${'x'.repeat(150)}`),
  file(LONG, 'long'),
]
const archive = (members: readonly TarMember[]) => Buffer.concat([...writeTar(members)])
const read = (pieces: Iterable<Uint8Array>) =>
  [...readTarWith(pieces)].map(({ path, kind, mode, text }) => [path, kind, mode, text])

function* readTarWith(pieces: Iterable<Uint8Array>) {
  for (const member of readTar(pieces, 'x')) yield { ...member, text: Buffer.concat([...member.content]).toString() }
}

const plain = MEMBERS.map(({ path, kind, mode, content }) => [path, kind, mode, Buffer.concat([...content]).toString()])

describe('tar', () => {
  it.each([1, 511, 512, 513, 100_000])('reads back what it wrote, in pieces of %i bytes', (size) => {
    const whole = archive(MEMBERS)
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) =>
      whole.subarray(n * size, (n + 1) * size),
    )
    expect(read(pieces)).toEqual(plain)
  })

  it('skips content that nobody takes', () => {
    const paths = [...readTar([archive([file('a', 'x'.repeat(700)), file('b', 'y')])], 'x')].map(({ path }) => path)
    expect(paths).toEqual(['a', 'b'])
  })

  it('is read by GNU tar, with its modes and times', () => {
    execFileSync('tar', ['-xp', '-C', folder], { input: archive(MEMBERS) })
    expect(readFileSync(join(folder, LONG), 'utf8')).toBe('long')
    expect(readFileSync(join(folder, 'münchen$%.crt'), 'utf8')).toBe('c')
    const status = statSync(join(folder, 'ca/root.key'))
    expect([status.mode & 0o777, status.mtimeMs]).toEqual([0o600, FILE.modified * 1_000])
    expect(statSync(join(folder, 'ca')).mode & 0o777).toBe(0o700)
  })

  it.each(['../evil', '/etc/evil', 'a/../../evil', './a', 'a//b', '..', ''])('refuses the path %j', (path) => {
    expect(() => read([archive([file(path, 'x')])])).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  it('refuses links, as GNU tar writes them', () => {
    const links = join(folder, 'links')
    mkdirSync(links)
    writeFileSync(join(links, 'a'), 'x')
    symlinkSync('/etc/passwd', join(links, 'b'))
    const made = execFileSync('tar', ['-c', '--format=pax', '-C', links, 'b'])
    expect(() => read([made])).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  it('refuses every cut, and every changed header', () => {
    const whole = archive([file('a', 'x')])
    for (const length of [0, 100, 512, 600, 1024, 1100]) {
      expect(() => read([whole.subarray(0, length)])).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    }
    for (const at of [0, 101, 125, 150, 156, 260]) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => read([changed])).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    }
  })
})
