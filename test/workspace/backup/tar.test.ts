import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
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
const archive = (members: Iterable<TarMember>) => buffer(writeTar(members))
const read = async (pieces: Iterable<Uint8Array>) => {
  const found: unknown[] = []
  for await (const { path, kind, mode, content } of readTar(Readable.from(pieces), 'x')) {
    found.push([path, kind, mode, String(await buffer(content))])
  }
  return found
}
const corrupt = expect.objectContaining({ code: 'CORRUPT' })

/** What a reader without records that stand before a header would take for the path. */
const ustarNames = (tar: Buffer) => {
  const headers = Array.from({ length: tar.length / 512 }, (_, n) => tar.subarray(n * 512, (n + 1) * 512))
  return headers
    .filter((block) => block.includes('ustar'))
    .map((block) => String(block.subarray(0, 100)).split('\0')[0])
}

const plain = MEMBERS.map(({ path, kind, mode, content }) => [path, kind, mode, String(Buffer.concat([...content]))])

describe('tar', () => {
  it.each([1, 511, 512, 513, 100_000])('reads back what it wrote, in pieces of %i bytes', async (size) => {
    const whole = await archive(MEMBERS)
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) =>
      whole.subarray(n * size, (n + 1) * size),
    )
    expect(await read(pieces)).toEqual(plain)
  })

  it('skips content that nobody takes', async () => {
    const paths: string[] = []
    const whole = await archive([file('a', 'x'.repeat(70_000)), file('b', 'y')])
    for await (const { path } of readTar(Readable.from([whole]), 'x')) paths.push(path)
    expect(paths).toEqual(['a', 'b'])
  })

  it('is read by GNU tar, with its modes and times', async () => {
    execFileSync('tar', ['-xp', '-C', folder], { input: await archive(MEMBERS) })
    expect(readFileSync(join(folder, LONG), 'utf8')).toBe('long')
    expect(readFileSync(join(folder, 'münchen$%.crt'), 'utf8')).toBe('c')
    const status = statSync(join(folder, 'ca/root.key'))
    expect([status.mode & 0o777, status.mtimeMs]).toEqual([0o600, FILE.modified * 1_000])
    expect(statSync(join(folder, 'ca')).mode & 0o777).toBe(0o700)
  })

  it('is read by xmppki 0.1, which knows no name in two fields', async () => {
    const long = `${'x'.repeat(90)}/${'y'.repeat(90)}`
    expect(ustarNames(await archive([file('plain', ''), file(long, '')]))).toEqual(['plain', 'PaxHeader', 'PaxHeader'])
    expect(await read([await archive([file(long, '')])])).toEqual([[long, 'file', 0o600, '']])
  })

  it('reads what GNU tar makes of files', async () => {
    const made = join(folder, 'made')
    mkdirSync(join(made, 'ä'.repeat(60)), { recursive: true, mode: 0o700 })
    writeFileSync(join(made, 'ä'.repeat(60), 'x'.repeat(120)), 'long', { mode: 0o600 })
    for (const format of ['pax', 'gnu']) {
      const tar = execFileSync('tar', ['-c', `--format=${format}`, '-C', made, 'ä'.repeat(60)])
      expect(await read([tar])).toEqual([
        ['ä'.repeat(60), 'folder', 0o700, ''],
        [`${'ä'.repeat(60)}/${'x'.repeat(120)}`, 'file', 0o600, 'long'],
      ])
    }
  })

  it('writes no file that everybody may read in place of one that nobody may', async () => {
    const whole = await archive([
      { ...file('a', 'x'), mode: 0 },
      { ...directory('b'), mode: 0 },
    ])
    expect(await read([whole])).toEqual([
      ['a', 'file', 0o600, 'x'],
      ['b', 'folder', 0o600, ''],
    ])
  })

  it('has a time that tar knows also after 2038', async () => {
    const whole = await archive([{ ...file('a', 'x'), modified: 2 ** 32 }])
    execFileSync('tar', ['-x', '--warning=no-timestamp', '-C', folder], { input: whole })
    expect(statSync(join(folder, 'a')).mtimeMs).toBe((2 ** 31 - 1) * 1_000)
  })

  it('throws what making a member throws, and lets go of what is open', async () => {
    let isClosed = false
    function* content() {
      try {
        yield Buffer.from('x')
        throw new Error('gone')
      } finally {
        isClosed = true
      }
    }
    await expect(archive([{ ...file('a', 'xx'), content: content() }])).rejects.toThrow('gone')
    expect(isClosed).toBe(true)
    function* members() {
      yield file('a', 'x')
      throw new Error('no more')
    }
    await expect(archive(members())).rejects.toThrow('no more')
    await expect(archive([{ ...file('a', 'x'), size: 2 }])).rejects.toThrow('Size mismatch')
  })

  it('makes no more than is wanted, and lets go of what is open', async () => {
    let made = 0
    let isClosed = false
    function* content() {
      try {
        for (; made < 1_000; made += 1) yield Buffer.alloc(100_000)
      } finally {
        isClosed = true
      }
    }
    for await (const _ of writeTar([{ ...file('a', ''), size: 10 ** 9, content: content() }])) {
      for (let turn = 0; turn < 20; turn++) await nextTurn()
      break
    }
    expect(made).toBeLessThan(10)
    expect(isClosed).toBe(true)
  })

  it('takes no more of an archive than is wanted', async () => {
    const whole = await archive([file('a', 'x'.repeat(5_000_000))])
    let taken = 0
    async function* pieces() {
      for (; taken < whole.length; taken += 50_000) yield whole.subarray(taken, taken + 50_000)
    }
    for await (const { content } of readTar(pieces(), 'x')) {
      for await (const _ of content) {
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        break
      }
      break
    }
    expect(taken).toBeLessThan(500_000)
  })

  it.each(['../evil', '/etc/evil', 'a/../../evil', './a', 'a//b', '..', '../..', '', 'a\0b'])(
    'refuses the path %j',
    async (path) => {
      await expect(archive([file(path, 'x')]).then((whole) => read([whole]))).rejects.toThrow(corrupt)
    },
  )

  it.each(['pax', 'gnu'])('refuses links, as GNU tar writes them in the format %s', async (format) => {
    const links = mkdtempSync(join(folder, 'links-'))
    writeFileSync(join(links, 'a'), 'x')
    symlinkSync('/etc/passwd', join(links, 'b'))
    linkSync(join(links, 'a'), join(links, 'c'))
    for (const names of [['b'], ['a', 'c']]) {
      const made = execFileSync('tar', ['-c', `--format=${format}`, '-C', links, ...names])
      await expect(read([made])).rejects.toThrow(corrupt)
    }
  })

  it('refuses types that are no files', async () => {
    const whole = await archive([file('a', 'x')])
    for (const type of '1234678DMSVZ') {
      const changed = Buffer.from(whole)
      changed.write(type, 156)
      changed.write('        ', 148)
      const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0)
      changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
      await expect(read([changed])).rejects.toThrow(corrupt)
    }
  })

  it('refuses every cut, every changed header, and what is behind the end', async () => {
    const whole = await archive([file('a', 'x')])
    for (const length of [0, 100, 512, 600, 1024, 1100, 1536]) {
      await expect(read([whole.subarray(0, length)])).rejects.toThrow(corrupt)
    }
    for (const at of [0, 101, 125, 150, 156, 260]) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      await expect(read([changed])).rejects.toThrow(corrupt)
    }
    for (const more of [Buffer.from('x'), Buffer.alloc(512, 'x'), Buffer.alloc(4_096, 'x')]) {
      await expect(read([whole, more])).rejects.toThrow(corrupt)
    }
  })

  it('passes on what reading the archive throws', async () => {
    const whole = await archive([file('a', 'x'.repeat(200_000))])
    async function* pieces() {
      yield whole.subarray(0, 100_000)
      throw new XmppkiError('IO', 'cannot read x')
    }
    const reading = async () => {
      for await (const { content } of readTar(pieces(), 'x')) await buffer(content)
    }
    await expect(reading()).rejects.toThrow(expect.objectContaining({ code: 'IO', message: 'cannot read x' }))
  })
})
