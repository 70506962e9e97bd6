// Revocation by another process while a thousand sessions are up: how soon the victim's end, and whether others notice.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { cli, login, makeWorkspace, startJson } from './support.mjs'

const VICTIMS = 10
const OTHERS = 990
const AT_ONCE = 20
const PING_EVERY_MS = 5
const WATCH_MS = 2_000
const PING = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"

const run = promisify(execFile)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function logInMany(port, credentials, count) {
  const sockets = []
  while (sockets.length < count) {
    const batch = Math.min(AT_ONCE, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: batch }, () => login(port, credentials)))))
  }
  return sockets
}

/** Pings one after the other until it is told to stop; answers the round trips in milliseconds. */
function pingAlong(socket) {
  let going = true
  const trips = []
  const done = (async () => {
    while (going) {
      const began = performance.now()
      socket.write(PING)
      await once(socket, 'data')
      trips.push(performance.now() - began)
      await pause(PING_EVERY_MS)
    }
  })()
  return async () => {
    going = false
    await done
    return trips
  }
}

const longest = (trips) => `${Math.max(...trips).toFixed(1)} ms`

export async function revocation() {
  const workspace = makeWorkspace(['alice', 'bob'])
  const serve = await startJson([
    cli,
    'serve',
    '--home',
    workspace.home,
    '--port',
    '0',
    '--json',
    '--log-level',
    'error',
  ])
  try {
    const { tlsPort } = serve.ready
    const victims = await logInMany(tlsPort, workspace.credentials('alice'), VICTIMS)
    const others = await logInMany(tlsPort, workspace.credentials('bob'), OTHERS)
    let lost = 0
    for (const socket of others) socket.once('close', () => lost++)
    const [pinger] = others
    const quiet = pingAlong(pinger)
    await pause(WATCH_MS)
    const before = await quiet()
    const ends = Promise.all(
      victims.map(async (socket) => {
        let text = ''
        socket.on('data', (chunk) => {
          text += chunk
        })
        await once(socket, 'end')
        return { at: Date.now(), isTold: text.includes('<not-authorized') }
      }),
    )
    const meanwhile = pingAlong(pinger)
    const command = [cli, 'client', 'revoke', 'alice', '--json', '--home', workspace.home]
    const { stdout } = await run(process.execPath, command)
    // Before the transaction that it is in, so what is measured from here is no less than the truth.
    const revoked = Date.parse(JSON.parse(stdout).revoked[0].revokedAt)
    const ended = await ends
    await pause(WATCH_MS)
    const during = await meanwhile()
    const last = Math.max(...ended.map(({ at }) => at)) - revoked
    const told = ended.filter(({ isTold }) => isTold).length
    const lostOnes = lost
    for (const socket of [...victims, ...others]) socket.destroy()
    return {
      title: `Revocation by another process, ${VICTIMS + OTHERS} sessions of which ${VICTIMS} are the victim's`,
      rows: [
        ['last session of the victim ended', `${last} ms`, 'after its date in the ledger; target below 1000'],
        ['told why (not-authorized)', `${told} of ${VICTIMS}`, ''],
        ['other sessions lost', `${lostOnes}`, 'target 0'],
        ['longest round trip of another one, before', longest(before), ''],
        ['longest round trip of another one, meanwhile', longest(during), 'target at most 100 ms more'],
      ],
    }
  } finally {
    await serve.stop()
  }
}
