import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import type { Log } from '../../server/log.ts'
import {
  ADMIN_VERSION,
  type AdminAnswer,
  type AdminCommand,
  type AdminCommands,
  MAX_ADMIN_LINE,
  MAX_SOCKET_PATH,
} from './admin-protocol.ts'

/** What the socket can do, by command. Errors that they throw are told to the asker. */
export type AdminHandlers = {
  readonly [C in AdminCommand]: (request: Readonly<Record<string, unknown>>) => AdminCommands[C]['result']
}

/** An open admin socket. */
export interface AdminSocket {
  /** Stops answering and removes the socket. */
  close(): Promise<void>
}

/** One command takes milliseconds; nobody keeps the line busy. */
const IDLE_MS = 10_000
const MAX_CONNECTIONS = 16
/** A living server accepts at once, and what a dead one left refuses at once, unless the whole machine stands still. */
const PROBE_MS = 5_000

/** Where the socket is, and what keeps others from putting theirs there meanwhile. */
interface SocketPlace {
  readonly path: string
  /** Runs work as the only process that may take the name. */
  readonly exclusively: (work: () => Promise<boolean>) => Promise<boolean>
}

/**
 * Opens the socket by which the operator talks to a running server: lines of JSON, for the owner of the workspace alone
 * (mode 0600). What a killed server left is replaced, the socket of a living one never.
 * @returns undefined when it cannot be had; the log says why, and the server goes on without
 */
export async function openAdminSocket(
  { path, exclusively }: SocketPlace,
  handlers: AdminHandlers,
  log: Log,
): Promise<AdminSocket | undefined> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    log.warn({ path, reason: 'the path is too long' }, 'no admin socket')
    return undefined
  }
  // Not longer than the known name.
  const temporary = join(dirname(path), `.${randomBytes(4).toString('hex')}`)
  const connections = new Set<Socket>()
  const server = createServer((socket) => attend(socket, { handlers, connections, log }))
  server.maxConnections = MAX_CONNECTIONS
  try {
    await listening(server, temporary)
    // Under a name that nobody knows: once it has the known one, it is closed to others.
    chmodSync(temporary, 0o600)
    if (!(await exclusively(() => claim(temporary, path)))) {
      log.warn({ path }, 'no admin socket: another server of this workspace has it')
      await closed(server, connections)
      return undefined
    }
  } catch (error) {
    log.warn({ path, reason: error instanceof Error ? error.message : String(error) }, 'no admin socket')
    await closed(server, connections)
    return undefined
  } finally {
    rmSync(temporary, { force: true })
  }
  const own = lstatSync(path).ino
  return {
    close: async () => {
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === own) rmSync(path, { force: true })
      await closed(server, connections)
    },
  }
}

/** Gives the socket its known name; false when a living server has that. */
async function claim(temporary: string, path: string): Promise<boolean> {
  if (await isAlive(path)) return false
  renameSync(temporary, path)
  return true
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
}

function closed(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  for (const socket of connections) socket.destroy()
  return new Promise((resolve) => server.close(() => resolve()))
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** Whether somebody listens there. A socket that is full or not ours to open is somebody's as well. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const answer = (alive: boolean) => {
      socket.destroy()
      resolve(alive)
    }
    socket.setTimeout(PROBE_MS, () => answer(true))
    socket.once('connect', () => answer(true))
    socket.once('error', (error) => {
      answer(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].some((code) => hasCode(error, code)))
    })
  })
}

interface Desk {
  readonly handlers: AdminHandlers
  readonly connections: Set<Socket>
  readonly log: Log
}

function attend(socket: Socket, desk: Desk): void {
  desk.connections.add(socket)
  let held = ''
  socket.setEncoding('utf8')
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('close', () => desk.connections.delete(socket))
  socket.on('data', (text: string) => {
    const lines = (held + text).split('\n')
    held = lines.pop() ?? ''
    if (held.length > MAX_ADMIN_LINE) socket.destroy()
    for (const line of lines) socket.write(`${JSON.stringify(answerTo(line, desk))}\n`)
  })
}

function refusal(error: string): AdminAnswer {
  return { version: ADMIN_VERSION, ok: false, error }
}

function answerTo(line: string, { handlers, log }: Desk): AdminAnswer {
  const request = parse(line)
  if (request === undefined) return refusal('not a JSON object')
  const { version, command } = request
  if (version !== ADMIN_VERSION) return refusal(`this server speaks version ${ADMIN_VERSION} of the admin protocol`)
  if (typeof command !== 'string' || !Object.hasOwn(handlers, command)) return refusal('unknown command')
  try {
    const result = handlers[command as AdminCommand](request)
    log.debug({ command }, 'admin command')
    return { version: ADMIN_VERSION, ok: true, result }
  } catch (error) {
    return refusal(error instanceof Error ? error.message : String(error))
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
