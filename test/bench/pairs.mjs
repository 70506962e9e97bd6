// CPU time of the server process per chat message when it reads them one by one: many pairs, and in each of them the next
// message waits for the one before.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { startEjabberd } from './ejabberd.mjs'
import { login, makeWorkspace, median, startUnlimited } from './support.mjs'

/** bin/xmppki.cjs of another version, built. */
const REFERENCE = process.env.XMPPKI_BENCH_REFERENCE
const PAIRS = 100
const WARM_UP = 300
const ROUNDS = 9
/** Messages of each pair in a round: /proc/PID/stat counts in hundredths of a second. */
const EACH = 150
const TICK_MS = 10

const BODIES = {
  ASCII: 'A chat message of ordinary length, such as people send all day.',
  ä: 'A chät message of ordinary length, such as people send all day.',
  '&apos;': 'A chat message that&apos;s of ordinary length, as people send all day.',
  emoji: 'A chat message of ordinary length, such as people send all day 😀.',
}

const messageTo = (user, body) =>
  `<message to='${user}@localhost' type='chat' id='m1'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`

/** User and system time of a process, threads that have ended included, milliseconds. */
function processCpuMs(pid) {
  // What comes before is the name of the program, which may have spaces in it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

class Pair {
  #sender
  #receiver
  #to

  constructor(sender, receiver, to) {
    this.#sender = sender
    this.#receiver = receiver
    this.#to = to
  }

  static async of(server, workspace, number) {
    const { tlsPort } = server.ready
    const [from, to] = [`from${number}`, `to${number}`]
    const [sender, receiver] = [
      await login(tlsPort, workspace.credentials(from)),
      await login(tlsPort, workspace.credentials(to)),
    ]
    receiver.setEncoding('utf8')
    receiver.write('<presence/>')
    await once(receiver, 'data')
    return new Pair(sender, receiver, to)
  }

  exchange(body, count) {
    const message = messageTo(this.#to, body)
    return new Promise((resolve) => {
      let left = count
      let text = ''
      const onData = (chunk) => {
        text += chunk
        if (!text.endsWith('</message>')) return
        text = ''
        left -= 1
        if (left > 0) {
          this.#sender.write(message)
          return
        }
        this.#receiver.off('data', onData)
        resolve()
      }
      this.#receiver.on('data', onData)
      this.#sender.write(message)
    })
  }

  leave() {
    for (const socket of [this.#sender, this.#receiver]) socket.destroy()
  }
}

/** A server with its pairs, and what a message has cost there in each round, by kind. */
class PairedServer {
  #server
  #pairs
  #costs = new Map(Object.keys(BODIES).map((kind) => [kind, []]))

  constructor(server, pairs) {
    this.#server = server
    this.#pairs = pairs
  }

  static async of(server, workspace) {
    const pairs = []
    for (let number = 0; number < PAIRS; number++) pairs.push(await Pair.of(server, workspace, number))
    return new PairedServer(server, pairs)
  }

  async run(kind, count) {
    const began = processCpuMs(this.#server.pid)
    await Promise.all(this.#pairs.map((pair) => pair.exchange(BODIES[kind], count)))
    return ((processCpuMs(this.#server.pid) - began) / (count * PAIRS)) * 1000
  }

  async measure(kind) {
    this.#costs.get(kind).push(await this.run(kind, EACH))
  }

  /** CPU-µs of a message. */
  cost(kind) {
    return median(this.#costs.get(kind))
  }

  /** How often the cost of another kind, or of another server: of each round, as the machine is not always as fast. */
  times(kind, other, otherKind) {
    const others = other.#costs.get(otherKind)
    return median(this.#costs.get(kind).map((cost, round) => cost / others[round]))
  }

  async stop() {
    for (const pair of this.#pairs) pair.leave()
    await this.#server.stop()
  }
}

function makeUsers(program) {
  const users = Array.from({ length: PAIRS }, (_, number) => [`from${number}`, `to${number}`]).flat()
  return makeWorkspace(users, program)
}

async function measureAll(servers) {
  const kinds = Object.keys(BODIES)
  for (const kind of kinds) for (const server of servers) await server.run(kind, WARM_UP / kinds.length)
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of kinds) {
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) await server.measure(kind)
    }
  }
}

export async function pairedMessages() {
  const workspace = makeUsers()
  const serve = await PairedServer.of(await startUnlimited(workspace), workspace)
  const ejabberd = await startEjabberd(workspace)
  const others = new Map()
  if (ejabberd !== undefined) others.set('ejabberd', await PairedServer.of(ejabberd, workspace))
  if (REFERENCE !== undefined) {
    // With a workspace of its own, for it may not be able to open that of a later version.
    const earlier = makeUsers(REFERENCE)
    others.set('another version', await PairedServer.of(await startUnlimited(earlier, REFERENCE), earlier))
  }
  const all = [serve, ...others.values()]
  try {
    await measureAll(all)
    const rows = Object.keys(BODIES).flatMap((kind) => [
      [
        `xmppki serve, ${kind}`,
        `${serve.cost(kind).toFixed(1)} µs`,
        `${serve.times(kind, serve, 'ASCII').toFixed(2)} times ASCII`,
      ],
      ...[...others].map(([name, other]) => [
        `${name}, ${kind}`,
        `${other.cost(kind).toFixed(1)} µs`,
        `xmppki serve takes ${serve.times(kind, other, kind).toFixed(2)} times as much`,
      ]),
    ])
    const measured = `${PAIRS} pairs, median of ${ROUNDS} rounds of ${PAIRS * EACH}`
    return { title: `Chat messages, one in each read, CPU of the server per operation (${measured}, TLS 1.3)`, rows }
  } finally {
    for (const server of all) await server.stop()
  }
}
