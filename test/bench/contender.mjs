// Servers that do the same thing, and what it costs each of them.
import { connectTls, cpuMs, median } from './support.mjs'

/** A server, what a client does there, and what it has cost so far. */
export class Contender {
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

  async measure(count) {
    this.#costs.push(await this.run(count))
  }

  stop() {
    return this.#server.stop()
  }
}

/** The bare server says something as soon as it has seen the client's certificate. */
export async function handshake(port, credentials) {
  const socket = await connectTls(port, credentials)
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

/**
 * They take turns, so that a busy moment of the machine meets all of them; nobody always comes after the same one. Already
 * while they warm up: V8 throws away what it has compiled for a program that has had nothing to do for some seconds.
 */
export async function measureInTurn(all, { warmUp, rounds, each }) {
  for (let done = 0; done < warmUp; done += each) {
    for (const contender of all) await contender.run(each)
  }
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? all : all.toReversed()) await contender.measure(each)
  }
}
