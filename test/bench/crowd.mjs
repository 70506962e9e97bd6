// What a witness notices of those who do not behave: one that sends as fast as it can, and one that never reads while
// another writes to it. Round trips of the witness, and the memory of the server.
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { login, makeWorkspace, residentKib, startServe, startUnlimited } from './support.mjs'

const PINGS = 1_000
const PAUSE_MS = 5
/** Every ping of a flood goes out with so many others: no client can be made to send faster. */
const AT_ONCE = 500
const PING = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
const LARGE = `<message to='silent@localhost' type='chat'><body>${'x'.repeat(20_000)}</body></message>`

/** Milliseconds of each round trip, in order of length. */
async function roundTrips(witness) {
  const times = []
  for (let n = 0; n < PINGS; n++) {
    const began = performance.now()
    witness.write(PING)
    await once(witness, 'data')
    times.push(performance.now() - began)
    await wait(PAUSE_MS)
  }
  return times.sort((a, b) => a - b)
}

/** Writes as long as it may, as fast as the other side takes it. */
function flood(socket, text) {
  let isOn = true
  const go = () => {
    while (isOn && socket.write(text));
    if (isOn) socket.once('drain', go)
  }
  go()
  return () => {
    isOn = false
  }
}

async function row(what, serve, workspace, begin) {
  const clients = new Map()
  const join = async (name) => {
    const client = await login(serve.ready.tlsPort, workspace.credentials(name))
    client.on('error', () => undefined)
    clients.set(name, client)
    return client
  }
  try {
    const witness = await join('witness')
    await roundTrips(witness)
    const before = residentKib(serve.pid)
    const stop = await begin(join)
    const times = await roundTrips(witness)
    stop()
    const grown = (residentKib(serve.pid) - before) / 1024
    const longest = `99 of 100 below ${times[Math.floor(PINGS * 0.99)].toFixed(1)} ms, the longest ${times.at(-1).toFixed(1)} ms`
    return [what, `${times[PINGS >> 1].toFixed(1)} ms`, `${longest}; ${grown.toFixed(0)} MiB more`]
  } finally {
    for (const client of clients.values()) client.destroy()
    await serve.stop()
  }
}

async function flooding(join) {
  const client = await join('loud')
  client.resume()
  return flood(client, PING.repeat(AT_ONCE))
}

async function neverReading(join) {
  const silent = await join('silent')
  silent.write('<presence/>')
  silent.pause()
  const loud = await join('loud')
  loud.resume()
  return flood(loud, LARGE)
}

export async function crowd() {
  const workspace = makeWorkspace(['witness', 'loud', 'silent'])
  const rows = [
    await row('nobody else', await startServe(workspace), workspace, async () => () => undefined),
    await row('one that floods', await startServe(workspace), workspace, flooding),
    await row('the same, with no limit to what it may send', await startUnlimited(workspace), workspace, flooding),
    await row('one that never reads', await startServe(workspace), workspace, neverReading),
    await row('the same, with no limit', await startUnlimited(workspace), workspace, neverReading),
  ]
  return { title: `Round trips of a client beside others (${PINGS} pings); target: below 50 ms`, rows }
}
