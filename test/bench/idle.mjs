// Memory of the server process for each session that does nothing, beside servers that know nothing of XMPP and ejabberd.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startEjabberd } from './ejabberd.mjs'
import { makeWorkspace, residentKib, startFloor, startServe } from './support.mjs'

/** bin/xmppki.cjs of another version, built. */
const REFERENCE = process.env.XMPPKI_BENCH_REFERENCE
/** No user has more than ten sessions: ejabberd would end the eleventh. */
const USERS = 300
/**
 * `warmUp`: logins before anything is measured, for the code of a program comes with the first of them. Measured is what
 * the sessions between `few` and `many` take: a process has its pools by then.
 */
const SESSIONS = { warmUp: 3000, few: 500, many: 2500 }
/** ejabberd lets in ten clients a second on some machines, busy or not, and its processes are all of one size. */
const FEWER_SESSIONS = { warmUp: 500, few: 200, many: 1000 }
/** For timers and collections that are due. */
const SETTLE_MS = 2_000

function startClients(port, file) {
  const script = fileURLToPath(new URL('idle-clients.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, String(port), file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const tell = async (what, count) => {
    child.stdin.write(`${what} ${count}\n`)
    const { done } = await answers.next()
    if (done) throw new Error('the clients have ended')
    await wait(SETTLE_MS)
  }
  return { tell, stop: () => child.kill() }
}

/** KiB for each session: of those between, and of all since the start, with all else that the process has taken since. */
async function measure(server, file, { warmUp, few, many }) {
  const clients = startClients(server.ready.tlsPort, file)
  try {
    const empty = residentKib(server.pid)
    await clients.tell('visit', warmUp)
    await clients.tell('stay', few)
    const before = residentKib(server.pid)
    await clients.tell('stay', many)
    const after = residentKib(server.pid)
    return { between: (after - before) / (many - few), all: (after - empty) / many }
  } finally {
    clients.stop()
    await server.stop()
  }
}

function prepare(program) {
  const users = Array.from({ length: USERS }, (_, index) => `user${index}`)
  const workspace = makeWorkspace(users, program)
  const file = join(workspace.home, 'users.json')
  const texts = users.map((user) => {
    const { key, cert } = workspace.credentials(user)
    return { key: key.toString(), cert: cert.toString() }
  })
  writeFileSync(file, JSON.stringify(texts), { mode: 0o600 })
  return { workspace, file }
}

async function row(what, server, file, sessions = SESSIONS) {
  if (server === undefined) return [what, '-', 'not installed: npm run test:setup']
  const { between, all } = await measure(server, file, sessions)
  return [what, `${between.toFixed(1)} KiB`, `${all.toFixed(1)} KiB since the start, code and garbage included`]
}

export async function idleSessions() {
  const { workspace, file } = prepare()
  const rows = [await row('xmppki serve', await startServe(workspace), file)]
  if (REFERENCE !== undefined) {
    // With a workspace of its own, for it may not be able to open that of a later version.
    const earlier = prepare(REFERENCE)
    rows.push(await row('another version', await startServe(earlier.workspace, REFERENCE), earlier.file))
  }
  const canned = (...more) => startFloor(workspace, 'canned-xmpp.mjs', ...more)
  rows.push(await row('bare Node TLS with canned answers', await canned(), file))
  rows.push(await row('the same with session tickets', await canned('--tickets'), file))
  const { few, many } = FEWER_SESSIONS
  rows.push(await row(`ejabberd, from ${few} to ${many}`, await startEjabberd(workspace), file, FEWER_SESSIONS))
  const measured = `RSS, from ${SESSIONS.few} to ${SESSIONS.many} sessions over direct TLS 1.3, P-256`
  return { title: `Memory of an idle session (${measured}); target at most 40 KiB`, rows }
}
