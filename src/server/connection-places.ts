/** Groups of 16 bits in an IPv6 address, and in the part of it that stands for one network. */
const IPV6_GROUPS = 8
const NETWORK_GROUPS = 4

const MAPPED = '::ffff:'

/**
 * What counts as one address: an IPv4 address, or the /64 of an IPv6 address, for whoever has one has all 2^64 in it
 * (RFC 4291 §2.5.4).
 * @param address as Node.js writes it
 */
export function networkOf(address: string): string {
  const plain = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.replace(/%.*$/, '').split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const after = groups(tail ?? '')
  const zeros = Math.max(0, IPV6_GROUPS - groups(head).length - after.length)
  return [...groups(head), ...Array<string>(zeros).fill('0'), ...after].slice(0, NETWORK_GROUPS).join(':')
}

/** Counts the connections of every address, so that none of them takes the places of all. */
export class ConnectionPlaces {
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
