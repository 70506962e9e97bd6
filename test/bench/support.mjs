// What the benchmarks share: the real CLI, real processes, and their CPU time.
import { execFileSync, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'

export const cli = fileURLToPath(new URL('../../bin/xmppki.cjs', import.meta.url))

/** User and system time that the threads of a process have used so far, milliseconds. */
export function cpuMs(pid) {
  const tasks = `/proc/${pid}/task`
  // In nanoseconds; /proc/PID/stat counts in ticks of ten milliseconds.
  const nanoseconds = (task) => Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0])
  return readdirSync(tasks).reduce((sum, task) => sum + nanoseconds(task), 0) / 1e6
}

/** What a process has in memory, KiB. */
export function residentKib(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

/**
 * A workspace with a CA and certificates for these users; it goes when the benchmarks are over.
 * @param program that of another version
 */
export function makeWorkspace(users, program = cli) {
  const home = mkdtempSync(join(tmpdir(), 'xmppki-bench-'))
  process.once('exit', () => rmSync(home, { recursive: true, force: true }))
  const run = (...args) => execFileSync(process.execPath, [program, ...args, '--home', home], { stdio: 'pipe' })
  run('ca', 'init', '--no-passphrase')
  run('server', 'issue', 'localhost')
  run('client', 'issue', ...users)
  const credentials = (user) => {
    const folder = join(home, 'clients', 'localhost', user)
    return { key: readFileSync(join(folder, `${user}.key`)), cert: readFileSync(join(folder, `${user}.crt`)) }
  }
  const server = join(home, 'server', 'localhost')
  return {
    home,
    credentials,
    ca: join(home, 'ca', 'root.crt'),
    key: join(server, 'server.key'),
    chain: join(server, 'chain.crt'),
  }
}

/** Starts a process and waits for its first line of JSON. */
export async function startJson(args, environment = {}, stderr = 'inherit') {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', stderr],
    env: { ...process.env, ...environment },
  })
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    if (text.includes('\n')) break
  }
  const stop = async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return { pid: child.pid, stderr: child.stderr, ready: JSON.parse(text.split('\n')[0]), stop }
}

/** A server of Node alone, of a script beside this one, with the certificate of the workspace. */
export function startFloor(workspace, script, ...more) {
  const path = fileURLToPath(new URL(script, import.meta.url))
  return startJson([path, workspace.key, workspace.chain, workspace.ca, ...more])
}

const SERVE = ['--port', '0', '--json', '--log-level']

/**
 * @param program that of another version
 * @param stderr `ignore` where everybody is turned away, and each has a line in the log
 */
export function startServe(workspace, program = cli, stderr = 'inherit') {
  return startJson([program, 'serve', '--home', workspace.home, ...SERVE, 'warn'], {}, stderr)
}

/** Whose clients may send as much as they can. Earlier versions set no limits, and do not know how they are called. */
export function startUnlimited(workspace, program = cli) {
  if (program !== cli) return startServe(workspace, program)
  const limits = 'max_bytes_per_second = "infinity"\nmax_stanzas_per_second = "infinity"\n'
  const listener = (mode) => `[[listen.c2s]]\nport = 0\n${limits}tls.mode = "${mode}"\n`
  const file = join(workspace.home, 'unlimited.toml')
  writeFileSync(file, `${listener('starttls_required')}${listener('tls')}`)
  const options = ['--config', file, '--json', '--log-level', 'warn']
  return startJson([program, 'serve', '--home', workspace.home, ...options])
}

/** One that says what it holds: `memory()` answers `process.memoryUsage()` after a collection of garbage. */
export async function startWatched(workspace) {
  const probe = fileURLToPath(new URL('../support/processes/memory-probe.cjs', import.meta.url))
  const args = ['--expose-gc', '--require', probe, cli, 'serve', '--home', workspace.home, ...SERVE, 'error']
  const child = await startJson(args, {}, 'pipe')
  const memory = async () => {
    process.kill(child.pid, 'SIGUSR2')
    const [line] = await once(child.stderr, 'data')
    return JSON.parse(line)
  }
  return { ...child, memory }
}

/** A TLS connection with a client certificate. */
export async function connectTls(port, credentials) {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
    ALPNProtocols: ['xmpp-client'],
    ...credentials,
  })
  await once(socket, 'secureConnect')
  return socket
}

const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

/** Reads until the text contains the mark; answers the text. */
async function until(socket, mark) {
  let text = ''
  // Listens until the end: two records that are read at once are told of in one turn.
  for await (const [chunk] of on(socket, 'data', { close: ['close'] })) {
    text += chunk
    if (text.includes(mark)) return text
  }
  throw new Error(`the connection ended before ${mark}: ${text}`)
}

/** @returns the features */
export function openStream(socket) {
  socket.write(HEADER)
  return until(socket, '</stream:features>')
}

/** Logs in over direct TLS with EXTERNAL and binds a resource. */
export async function login(port, credentials) {
  const socket = await connectTls(port, credentials)
  await openStream(socket)
  socket.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  await until(socket, '<success')
  await openStream(socket)
  socket.write("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
  await until(socket, '</iq>')
  return socket
}
