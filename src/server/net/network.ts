import { isIPv6 } from 'node:net'

/** Groups of 16 bits in an IPv6 address, and in the part of it that stands for one network. */
const IPV6_GROUPS = 8
const NETWORK_GROUPS = 4

/** The groups of an IPv6 address, each without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = '', tail = ''] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail)]
  const zeros = Array<string>(Math.max(0, IPV6_GROUPS - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
}

/**
 * Whom an address belongs to: an IPv4 address to one, and of IPv6 the whole /64, for whoever has one address has all 2⁶⁴
 * in it (RFC 4291 §2.5.4).
 * @param address as Node.js writes it, without a port
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const plain = address.replace(/%.*$/, '')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]
  if (mapped !== undefined || !isIPv6(plain)) return mapped ?? plain
  return `${groupsOf(plain).slice(0, NETWORK_GROUPS).join(':')}::/64`
}

/** As {@link networkOf}. @param remote address and port, as a transport names them */
export function networkOfPeer(remote: string): string {
  return networkOf(remote.slice(0, remote.lastIndexOf(':')))
}
