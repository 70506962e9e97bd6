import { contextPrimitive } from '../../../src/pki/der/der-writer.ts'

/** GeneralName rfc822Name, an address or (in constraints) a host. */
export function rfc822Name(address: string): Uint8Array {
  return contextPrimitive(1, Buffer.from(address, 'latin1'))
}

/** GeneralName dNSName. */
export function dnsName(domain: string): Uint8Array {
  return contextPrimitive(2, Buffer.from(domain, 'latin1'))
}
