import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Ports below are those of well-known services. */
const FIRST_PORT = 10_000
const SYSTEM_RANGE = '/proc/sys/net/ipv4/ip_local_port_range'
/** Where systems that do not tell begin (RFC 6335 §6). */
const USUAL_SYSTEM_PORT = 49_152
const TRIES = 100

/**
 * A loopback port for a program that can neither choose one itself nor tell which. None of those that the system hands
 * out, to clients and to whoever asks for any port: before such a program listens, and while it is started again, somebody
 * else might get it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FIRST_PORT, Math.max(firstSystemPort(), 2 * FIRST_PORT))
    if (await isFree(port)) return port
  }
  throw new Error('no port is free')
}

function firstSystemPort(): number {
  return existsSync(SYSTEM_RANGE) ? Number.parseInt(readFileSync(SYSTEM_RANGE, 'utf8'), 10) : USUAL_SYSTEM_PORT
}

async function isFree(port: number): Promise<boolean> {
  const listener = createServer().listen(port, '127.0.0.1')
  try {
    await once(listener, 'listening')
  } catch {
    return false
  }
  listener.close()
  await once(listener, 'close')
  return true
}
