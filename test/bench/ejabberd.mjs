// ejabberd as Debian has it, beside our own server: on loopback, with a configuration and a data folder of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const LIBRARIES = '/usr/lib/x86_64-linux-gnu'
const START_MS = 60_000

/** It cannot be told to choose one, so one that was free a moment ago. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function isOpen(port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Erlang's strings and YAML's alike. */
const quoted = (text) => JSON.stringify(text)

function configuration({ key, chain, ca }, port) {
  const tls = `tls: true, tls_verify: true, cafile: ${quoted(ca)}`
  return [
    'hosts: [localhost]',
    'loglevel: warning',
    `certfiles: [${quoted(key)}, ${quoted(chain)}]`,
    'auth_method: [mnesia]',
    'listen:',
    `  - {port: ${port}, ip: "127.0.0.1", module: ejabberd_c2s, ${tls}}`,
    'modules:',
    '  mod_disco: {}',
    '',
  ].join('\n')
}

/** Direct TLS for the domain of the workspace, its CA and EXTERNAL. @returns undefined when it is not installed */
export async function startEjabberd(workspace) {
  if (!existsSync('/usr/sbin/ejabberdctl')) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'xmppki-bench-ejabberd-'))
  const tlsPort = await freePort()
  const config = join(folder, 'ejabberd.yml')
  writeFileSync(config, configuration(workspace, tlsPort))
  mkdirSync(join(folder, 'database'))
  const settings = ['-ejabberd', 'config', quoted(config), 'log_path', quoted(join(folder, 'ejabberd.log'))]
  // Erlang's schedulers would wait busily for work, which cannot be told from work.
  const idle = ['+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none']
  const start = ['-noinput', '-mnesia', 'dir', quoted(join(folder, 'database')), ...settings, '-s', 'ejabberd']
  const child = spawn('erl', [...idle, ...start], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8', ERL_LIBS: LIBRARIES },
    stdio: 'ignore',
  })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_MS
  while (!(await isOpen(tlsPort))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error('ejabberd does not start')
    }
    await wait(100)
  }
  return { pid: child.pid, ready: { tlsPort }, stop }
}
