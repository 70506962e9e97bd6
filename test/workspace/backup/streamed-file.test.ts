import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readExactly, readPieces, writeNewFile } from '../../../src/workspace/backup/streamed-file.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-file-'))
  path = join(folder, 'x')
})
afterEach(() => rmSync(folder, { recursive: true }))

const openFiles = () => readdirSync('/proc/self/fd').length
const io = (text: string) => expect.objectContaining({ code: 'IO', message: expect.stringContaining(text) })

describe('readPieces', () => {
  it.each([0, 1, 3_000_000])('gives %i octets in pieces of a megabyte at most', (length) => {
    const content = randomBytes(length)
    writeFileSync(path, content)
    const pieces = [...readPieces(path)]
    expect(Buffer.concat(pieces).equals(content)).toBe(true)
    expect(Math.max(0, ...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(1_048_576)
  })

  it('closes the file when nobody wants more of it', () => {
    writeFileSync(path, 'content')
    const before = openFiles()
    for (const _ of readPieces(path)) break
    expect(openFiles()).toBe(before)
  })

  it('says which file cannot be read', () => {
    expect(() => [...readPieces(path)]).toThrow(io(`cannot read ${path}: no such file`))
  })
})

describe('readExactly', () => {
  it('gives no more than it was asked for', () => {
    writeFileSync(path, 'grown')
    expect(String(Buffer.concat([...readExactly(path, 2)]))).toBe('gr')
    expect([...readExactly(path, 0)]).toEqual([])
  })

  it('does not put up with less', () => {
    writeFileSync(path, 'cut')
    expect(() => [...readExactly(path, 4)]).toThrow(io(`${path} became shorter while it was read`))
  })
})

describe('writeNewFile', () => {
  it('writes all pieces', async () => {
    await writeNewFile(path, 0o640, Readable.from([Buffer.from('a'), Buffer.alloc(0), Buffer.from('bc')]))
    expect(readFileSync(path, 'utf8')).toBe('abc')
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  it('does not write over another file', async () => {
    writeFileSync(path, 'precious')
    await expect(writeNewFile(path, 0o600, Readable.from([]))).rejects.toThrow(io('it already exists'))
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  it('closes the file when the pieces fail', async () => {
    const before = openFiles()
    async function* pieces() {
      yield Buffer.from('x')
      throw new Error('no more')
    }
    await expect(writeNewFile(path, 0o600, pieces())).rejects.toThrow('no more')
    expect(openFiles()).toBe(before)
  })
})
