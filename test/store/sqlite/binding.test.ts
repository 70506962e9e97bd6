import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  builtInSqlite,
  packagedSqlite,
  type SqliteBinding,
  sqliteBinding,
  withoutSqliteWarning,
} from '../../../src/store/sqlite/binding.ts'
import { readSources } from '../../support/documents/source-graph.ts'

const isBefore = (major: number, minor: number) => {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number)
  return ownMajor < major || (ownMajor === major && ownMinor < minor)
}

describe('sqliteBinding', () => {
  it('is that of Node.js from 22.13 on, before that the package', () => {
    expect(sqliteBinding().name).toBe(isBefore(22, 13) ? '@photostructure/sqlite' : 'node:sqlite')
  })

  it('says what to do where there is neither', () => {
    const load = (name: string) => {
      throw new Error(`Cannot find module '${name}'\nRequire stack:\n- /somewhere`)
    }
    expect(() => packagedSqlite(load)).toThrow(
      expect.objectContaining({
        code: 'NOT_FOUND',
        message: `this Node.js (${process.version}) has no SQLite, and the package @photostructure/sqlite cannot be loaded: Cannot find module '@photostructure/sqlite'`,
        hint: 'use Node.js 22.13 or newer, or install the package beside xmppki: npm install -g @photostructure/sqlite',
      }),
    )
  })
})

describe('withoutSqliteWarning', () => {
  /** What is heard of these warnings when they are given while SQLite is loaded. */
  function heard(...warnings: readonly [text: string, type: string][]): unknown[] {
    const emitted: unknown[] = []
    const { emitWarning } = process
    process.emitWarning = (...details: unknown[]) => void emitted.push(details)
    try {
      withoutSqliteWarning(() => {
        for (const [text, type] of warnings) process.emitWarning(text, type)
      })
      process.emitWarning('after', 'Warning')
    } finally {
      process.emitWarning = emitWarning
    }
    return emitted
  }

  it('is silent of that one, and of nothing else', () => {
    const experimental = 'SQLite is an experimental feature and might change at any time'
    const others: readonly [string, string][] = [
      ['WASI is an experimental feature and might change at any time', 'ExperimentalWarning'],
      [experimental, 'DeprecationWarning'],
    ]
    expect(heard([experimental, 'ExperimentalWarning'], ...others)).toEqual([...others, ['after', 'Warning']])
  })

  it('is over when loading has failed', () => {
    const { emitWarning } = process
    const fail = () => {
      throw new Error('no')
    }
    expect(() => withoutSqliteWarning(fail)).toThrow('no')
    expect(process.emitWarning).toBe(emitWarning)
  })
})

describe('both bindings', () => {
  const bindings: readonly SqliteBinding[] = [packagedSqlite(), builtInSqlite() ?? packagedSqlite()]
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xmppki-binding-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([
    ['first', 'second', bindings],
    ['second', 'first', [...bindings].reverse()],
  ])('take a file of each other: the %s writes and the %s reads', (name, _other, [writer, reader]) => {
    const path = join(folder, `${name}.db`)
    const [one, other] = [writer, reader].map((binding) => () => new (binding as SqliteBinding).DatabaseSync(path))
    const written = one?.()
    written?.exec('PRAGMA journal_mode = WAL; CREATE TABLE pair (name TEXT, value INTEGER) STRICT')
    const insert = written?.prepare('INSERT INTO pair VALUES (:name, :value)')
    insert?.run({ name: 'ü', value: 1 })
    written?.close()
    const read = other?.()
    read?.prepare('INSERT INTO pair VALUES (?, ?)').run('b', null)
    expect(read?.prepare('SELECT * FROM pair').all()).toEqual([
      { name: 'ü', value: 1 },
      { name: 'b', value: null },
    ])
    expect(read?.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    read?.close()
  })
})

describe('SQL', () => {
  it('has no ?1, which Node.js 22.13 does not bind', () => {
    const numbered = readSources('src/store/sqlite').filter(({ text }) => /\?(\d|\$\{)/.test(text.replace('`?1`', '')))
    expect(numbered.map(({ path }) => path)).toEqual([])
  })
})
