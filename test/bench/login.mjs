// CPU time of the server process per certificate login, beside the bare TLS handshake that it needs and beside ejabberd.
import { fileURLToPath } from 'node:url'
import { startEjabberd } from './ejabberd.mjs'
import { connectTls, cpuMs, login, makeWorkspace, median, startJson, startServe } from './support.mjs'

/** As many certificates, taken in turn: whoever remembers one of them gains nothing before all others were there. */
const USERS = 1000
/** V8 compiles until about here, on threads that count as well; a server is not started for so few logins. */
const WARM_UP = 6000
const ROUNDS = 8
const LOGINS = 500

/** A server, what a client does there, and what it has cost so far. */
class Contender {
  #server
  #connect
  #credentials
  #next = 0
  #costs = []

  constructor(server, credentials, connect) {
    this.#server = server
    this.#credentials = credentials
    this.#connect = connect
  }

  /** CPU-ms of each operation. */
  get cost() {
    return median(this.#costs)
  }

  /** How often the cost of another: of each round, as the speed of the machine is not the same in all of them. */
  times(other) {
    return median(this.#costs.map((cost, round) => cost / other.#costs[round]))
  }

  async run(count) {
    const began = cpuMs(this.#server.pid)
    for (let n = 0; n < count; n++) {
      const credentials = this.#credentials[this.#next++ % this.#credentials.length]
      const socket = await this.#connect(this.#server.ready.tlsPort, credentials)
      socket.destroy()
    }
    return (cpuMs(this.#server.pid) - began) / count
  }

  async measure() {
    this.#costs.push(await this.run(LOGINS))
  }

  stop() {
    return this.#server.stop()
  }
}

/** The bare server says something as soon as it has seen the client's certificate. */
async function handshake(port, credentials) {
  const socket = await connectTls(port, credentials)
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

async function contenders() {
  const users = Array.from({ length: USERS }, (_, index) => `user${index}`)
  const workspace = makeWorkspace(users)
  const credentials = users.map((user) => workspace.credentials(user))
  const script = (name) => fileURLToPath(new URL(name, import.meta.url))
  const files = [workspace.key, workspace.chain, workspace.ca]
  const bare = new Contender(await startJson([script('bare-tls.mjs'), ...files]), credentials, handshake)
  const canned = new Contender(await startJson([script('canned-xmpp.mjs'), ...files]), credentials, login)
  const serve = new Contender(await startServe(workspace), credentials, login)
  const other = await startEjabberd(workspace)
  return { bare, canned, serve, ejabberd: other && new Contender(other, credentials, login) }
}

/** They take turns, so that a busy moment of the machine meets all of them; nobody always comes after the same one. */
export async function certificateLogin() {
  const { bare, canned, serve, ejabberd } = await contenders()
  const all = [bare, canned, serve, ...(ejabberd === undefined ? [] : [ejabberd])]
  try {
    for (const contender of all) await contender.run(WARM_UP)
    for (let round = 0; round < ROUNDS; round++) {
      for (const contender of round % 2 === 0 ? all : all.toReversed()) await contender.measure()
    }
    const row = (what, one) => [what, `${one.cost.toFixed(2)} ms`, `${one.times(bare).toFixed(2)} times`]
    const last =
      ejabberd === undefined ? ['ejabberd', '-', 'not installed: npm run test:setup'] : row('ejabberd', ejabberd)
    const measured = `${USERS} certificates, median of ${ROUNDS} rounds of ${LOGINS} logins over direct TLS 1.3, P-256`
    return {
      title: `Certificate login, CPU of the server per operation (${measured})`,
      rows: [
        row('bare Node TLS handshake', bare),
        row('the same with canned answers', canned),
        row('xmppki serve, to a bound resource', serve),
        last,
      ],
    }
  } finally {
    for (const contender of all) await contender.stop()
  }
}
