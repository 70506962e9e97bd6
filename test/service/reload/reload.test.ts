import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { Reloader } from '../../../src/service/reload/reload.ts'
import { LedgerWatch } from '../../../src/store/ledger-watch.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { LogBook } from '../../support/servers/server.ts'

let folder: string
let reloader: Reloader | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-reload-'))
})
afterEach(async () => {
  await reloader?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const path = (...names: string[]) => join(folder, ...names)

/** A reloader of these files; `reloaded(n)` waits for the end of reload number n. */
function start(files: () => readonly string[], work: () => Promise<void> = async () => undefined) {
  const ledger = new MemoryLedger()
  const log = new LogBook()
  let count = 0
  let wake: () => void = () => undefined
  reloader = new Reloader({
    files,
    watch: new LedgerWatch(ledger, 50),
    reload: async () => {
      try {
        await work()
      } finally {
        count += 1
        wake()
      }
    },
    log,
  })
  reloader.mark()
  reloader.start()
  const reloaded = async (wanted: number) => {
    while (count < wanted) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { reloader, ledger, log, reloaded, count: () => count }
}

describe('Reloader', () => {
  it.each<[string, (file: string) => void]>([
    ['written in place', (file) => writeFileSync(file, 'new')],
    [
      'replaced by renaming, with the same size',
      (file) => {
        writeFileSync(`${file}.tmp`, 'NEW')
        renameSync(`${file}.tmp`, file)
      },
    ],
    ['removed', (file) => rmSync(file)],
  ])('reloads when a file is %s', async (_, change) => {
    writeFileSync(path('ca.pem'), 'old')
    const { reloaded } = start(() => [path('ca.pem')])
    change(path('ca.pem'))
    await reloaded(1)
  })

  it('reloads when a file appears, in a folder that was not there either', async () => {
    const { reloaded } = start(() => [path('issuing', 'issuing.crt')])
    mkdirSync(path('issuing'))
    writeFileSync(path('issuing', 'issuing.crt'), 'new')
    await reloaded(1)
  })

  it('reloads when the folder of a file is replaced, and follows the new one', async () => {
    mkdirSync(path('server'))
    writeFileSync(path('server', 'server.crt'), 'old')
    const { reloaded } = start(() => [path('server', 'server.crt')])
    mkdirSync(path('next'))
    writeFileSync(path('next', 'server.crt'), 'new')
    renameSync(path('server'), path('server~1'))
    renameSync(path('next'), path('server'))
    await reloaded(1)
    writeFileSync(path('server', 'server.crt'), 'newer')
    await reloaded(2)
  })

  it('reloads when a folder is exchanged by a link, as Kubernetes does', async () => {
    for (const name of ['..1', '..2']) {
      mkdirSync(path(name))
      writeFileSync(path(name, 'ca.pem'), name)
    }
    symlinkSync('..1', path('..data'))
    symlinkSync(join('..data', 'ca.pem'), path('ca.pem'))
    const { reloaded } = start(() => [path('ca.pem')])
    symlinkSync('..2', path('..tmp'))
    renameSync(path('..tmp'), path('..data'))
    await reloaded(1)
  })

  it('looks at the files after a commit, and reloads when there are others', async () => {
    writeFileSync(path('a.crt'), 'a')
    mkdirSync(path('elsewhere'))
    writeFileSync(path('elsewhere', 'b.crt'), 'b')
    let newest = path('a.crt')
    const { ledger, reloaded } = start(() => [newest])
    newest = path('elsewhere', 'b.crt')
    ledger.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    await reloaded(1)
  })

  it('reloads when a commit names once more what was there already', async () => {
    writeFileSync(path('a.crt'), 'a')
    let names = [path('a.crt')]
    const { ledger, reloaded } = start(() => names)
    names = [path('a.crt'), path('a.crt')]
    ledger.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    await reloaded(1)
  })

  it('reloads once for files that are replaced together', async () => {
    const names = Array.from({ length: 10 }, (_, index) => path(`${index}.pem`))
    for (const name of names) writeFileSync(name, 'old')
    const { reloaded, count } = start(() => names)
    for (const name of names) writeFileSync(name, 'new')
    await reloaded(1)
    expect(count()).toBe(1)
  })

  it('does not reload for other files in the same folder', async () => {
    writeFileSync(path('ca.pem'), 'old')
    const { reloader, count } = start(() => [path('ca.pem')])
    writeFileSync(path('ledger.db-wal'), 'x')
    writeFileSync(path('..other'), 'x')
    await reloader.reload()
    expect(count()).toBe(1)
  })

  it('reloads when it is told to, again for a second time that comes meanwhile', async () => {
    let running = 0
    const { reloader, log, count } = start(
      () => [path('ca.pem')],
      async () => {
        running += 1
        expect(running).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
      },
    )
    await Promise.all([reloader.reload(), reloader.reload()])
    expect(count()).toBe(2)
    expect(log.lines).toEqual([
      { level: 'info', message: 'reloaded' },
      { level: 'info', message: 'reloaded' },
    ])
  })

  it('says why it failed, in one line, and takes up the next change', async () => {
    writeFileSync(path('ca.pem'), 'old')
    let failure: Error | undefined = new XmppkiError('BAD_INPUT', 'ca.pem holds no certificate', { hint: 'put one in' })
    const { log, reloaded } = start(
      () => [path('ca.pem')],
      async () => {
        if (failure !== undefined) throw failure
      },
    )
    writeFileSync(path('ca.pem'), 'bad')
    await reloaded(1)
    failure = undefined
    writeFileSync(path('ca.pem'), 'good again')
    await reloaded(2)
    expect(log.lines[0]).toEqual({
      level: 'error',
      message: 'reload failed; everything stays as it was',
      error: 'ca.pem holds no certificate',
      hint: 'put one in',
    })
  })

  it('reloads when it cannot be found out any more what the files are', async () => {
    let failure: Error | undefined
    const { ledger, reloaded } = start(() => {
      if (failure !== undefined) throw failure
      return []
    })
    failure = new Error('the folder has vanished')
    ledger.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    await reloaded(1)
  })

  it('does nothing after stop', async () => {
    writeFileSync(path('ca.pem'), 'old')
    const { reloader, count } = start(() => [path('ca.pem')])
    await reloader.stop()
    writeFileSync(path('ca.pem'), 'new')
    await reloader.reload()
    expect(count()).toBe(0)
  })
})
