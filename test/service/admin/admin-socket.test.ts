import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askServer } from '../../../src/service/admin/admin-client.ts'
import { ADMIN_VERSION, MAX_ADMIN_LINE, type ServeStatus } from '../../../src/service/admin/admin-protocol.ts'
import { type AdminHandlers, type AdminSocket, openAdminSocket } from '../../../src/service/admin/admin-socket.ts'
import { withLock } from '../../../src/store/sqlite/lock.ts'
import { LogBook } from '../../support/servers/server.ts'

const STATUS: ServeStatus = {
  pid: 7,
  versions: { xmppki: '1', node: '20' },
  startedAt: '2030-01-01T00:00:00.000Z',
  uptimeSeconds: 1,
  domains: ['localhost'],
  listeners: [],
  sessions: 0,
}

const handlers: AdminHandlers = {
  status: () => STATUS,
  sessions: () => ({ sessions: [] }),
  kill: ({ jid }) => {
    if (jid === 'bad') throw new Error('no such thing')
    return { killed: [String(jid)] }
  },
}

let folder: string
let path: string
let log: LogBook
let open: AdminSocket[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-admin-'))
  path = join(folder, 'serve.sock')
  log = new LogBook()
  open = []
})
afterEach(async () => {
  for (const socket of open) await socket.close()
  rmSync(folder, { recursive: true })
})

const exclusively = (work: () => Promise<boolean>) => withLock(join(folder, 'serve.lock'), work)

async function start(given: AdminHandlers = handlers): Promise<AdminSocket | undefined> {
  const socket = await openAdminSocket({ path, exclusively }, given, log)
  if (socket !== undefined) open.push(socket)
  return socket
}

/** Sends text and answers everything that comes until the other side closes, or as many lines as were asked for. */
function exchange(text: string, lines: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(path, () => socket.write(text))
    const done = () => resolve(received.split('\n').filter((line) => line !== ''))
    socket.setEncoding('utf8').on('data', (chunk) => {
      received += chunk
      if (received.split('\n').length > lines) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', done)
  })
}

/** Leaves what a killed process leaves: the file of a socket at which nobody listens. */
async function leaveStale(): Promise<void> {
  const { execFileSync } = await import('node:child_process')
  const script = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))'
  expect(() => execFileSync(process.execPath, ['-e', script, path], { stdio: 'ignore' })).toThrow()
  expect(statSync(path).isSocket()).toBe(true)
}

describe('the admin socket', () => {
  it('answers questions, is for its owner alone, and goes when it is closed', async () => {
    const socket = await start()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await askServer(path, 'status', {})).toEqual(STATUS)
    expect(await askServer(path, 'kill', { jid: 'alice@localhost' })).toEqual({ killed: ['alice@localhost'] })
    await socket?.close()
    expect(existsSync(path)).toBe(false)
  })

  it('tells the asker what a handler refuses', async () => {
    await start()
    const asked = askServer(path, 'kill', { jid: 'bad' })
    await expect(asked).rejects.toMatchObject({ code: 'BAD_INPUT', message: 'the server refused: no such thing' })
  })

  it.each([
    { name: 'no JSON', line: 'hello', error: /JSON/ },
    { name: 'no object', line: 'null', error: /JSON/ },
    { name: 'another version', line: '{"version":99,"command":"status"}', error: /version 1/ },
    { name: 'an unknown command', line: `{"version":${ADMIN_VERSION},"command":"format"}`, error: /unknown command/ },
    { name: 'an inherited name', line: `{"version":${ADMIN_VERSION},"command":"toString"}`, error: /unknown command/ },
  ])('refuses $name, and goes on', async ({ line, error }) => {
    await start()
    const [refused = '', answered = ''] = await exchange(
      `${line}\n{"version":${ADMIN_VERSION},"command":"status"}\n`,
      2,
    )
    expect(JSON.parse(refused)).toEqual({ version: ADMIN_VERSION, ok: false, error: expect.stringMatching(error) })
    expect(JSON.parse(answered)).toMatchObject({ ok: true })
  })

  it('cuts off a line without end', async () => {
    await start()
    expect(await exchange('x'.repeat(MAX_ADMIN_LINE + 1), 1).catch(() => [])).toEqual([])
    expect(await askServer(path, 'status', {})).toEqual(STATUS)
  })

  it('replaces what a killed server has left', async () => {
    await leaveStale()
    await expect(askServer(path, 'status', {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await start()).toBeDefined()
    expect(await askServer(path, 'status', {})).toEqual(STATUS)
  })

  it('replaces a file that is not a socket', async () => {
    writeFileSync(path, '')
    expect(await start()).toBeDefined()
    expect(await askServer(path, 'status', {})).toEqual(STATUS)
  })

  it('leaves the socket of a living server alone, also when it is closed', async () => {
    await start()
    const second = await start({ ...handlers, status: () => ({ ...STATUS, pid: 8 }) })
    expect(second).toBeUndefined()
    expect(log.find('no admin socket: another server of this workspace has it')).toBeDefined()
    expect(await askServer(path, 'status', {})).toMatchObject({ pid: 7 })
  })

  it('belongs to exactly one of several that start at once on a stale one', async () => {
    await leaveStale()
    const started = await Promise.all(Array.from({ length: 4 }, () => start()))
    expect(started.filter((socket) => socket !== undefined)).toHaveLength(1)
    expect(await askServer(path, 'status', {})).toEqual(STATUS)
  })

  it('does without where the path is too long, and says so', async () => {
    path = join(folder, 'x'.repeat(200))
    expect(await start()).toBeUndefined()
    expect(log.find('no admin socket')).toMatchObject({ level: 'warn' })
  })
})

describe('askServer', () => {
  it('says that no server runs', async () => {
    const asked = askServer(path, 'status', {})
    await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'start it with: xmppki serve' })
  })

  it('says that the server hung up', async () => {
    const rude = createServer((socket) => socket.resume().end())
    await new Promise<void>((resolve) => rude.listen(path, resolve))
    await expect(askServer(path, 'status', {})).rejects.toMatchObject({ code: 'IO' })
    await new Promise((resolve) => rude.close(resolve))
  })
})
