import { networkOf } from './network.ts'

/** Counts the connections of every address, so that none of them takes the places of all. */
export class ConnectionLimiter {
  readonly #taken = new Map<string, number>()

  /**
   * Takes a place for a connection.
   * @returns what gives the place back, to be called once; undefined when the address has `limit` of them already
   */
  take(address: string, limit: number): (() => void) | undefined {
    const network = networkOf(address)
    const taken = this.#taken.get(network) ?? 0
    if (taken >= limit) return undefined
    this.#taken.set(network, taken + 1)
    return () => this.#giveBack(network)
  }

  #giveBack(network: string): void {
    const left = (this.#taken.get(network) ?? 0) - 1
    // An address that is gone leaves nothing behind: there are more of them than there is memory.
    if (left > 0) this.#taken.set(network, left)
    else this.#taken.delete(network)
  }
}
