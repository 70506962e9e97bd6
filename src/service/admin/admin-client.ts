import { connect } from 'node:net'
import { XmppkiError } from '../../errors.ts'
import {
  ADMIN_VERSION,
  type AdminAnswer,
  type AdminCommand,
  type AdminCommands,
  MAX_SOCKET_PATH,
} from './admin-protocol.ts'

/** A server that is alive answers in milliseconds. */
const ANSWER_MS = 5_000

/**
 * Asks the server that runs on a workspace.
 * @param path its admin socket
 * @throws {XmppkiError} NOT_FOUND when none runs, BAD_INPUT when it refuses, IO
 */
export async function askServer<C extends AdminCommand>(
  path: string,
  command: C,
  request: AdminCommands[C]['request'],
): Promise<AdminCommands[C]['result']> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw new XmppkiError('IO', `a server on this workspace has no admin socket: the path is too long (${path})`, {
      hint: 'move the workspace to a shorter path',
    })
  }
  const line = await exchange(path, `${JSON.stringify({ ...request, version: ADMIN_VERSION, command })}\n`)
  const answer = JSON.parse(line) as AdminAnswer<C>
  if (answer.ok) return answer.result
  throw new XmppkiError('BAD_INPUT', `the server refused: ${answer.error}`)
}

function exchange(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(path, () => socket.write(line))
    socket.setEncoding('utf8')
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)))
    socket.on('data', (text: string) => {
      received += text
      const end = received.indexOf('\n')
      if (end < 0) return
      socket.destroy()
      resolve(received.slice(0, end))
    })
    socket.on('error', (error) => reject(connectError(path, error)))
    // After an answer or an error this changes nothing.
    socket.on('close', () => reject(new XmppkiError('IO', 'the server closed the admin socket without an answer')))
  })
}

function connectError(path: string, error: NodeJS.ErrnoException): XmppkiError {
  const { code } = error
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new XmppkiError('NOT_FOUND', `no server runs on this workspace: nobody answers at ${path}`, {
      hint: 'start it with: xmppki serve',
      cause: error,
    })
  }
  const denied = code === 'EACCES' || code === 'EPERM'
  const what = denied ? `${path} belongs to another user` : `cannot ask the server at ${path}: ${error.message}`
  const hint = denied ? { hint: 'run it as the user that runs xmppki serve' } : {}
  return new XmppkiError('IO', what, { ...hint, cause: error })
}
