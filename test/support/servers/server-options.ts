import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { type Made, NOON } from '../certificates/small-pki.ts'
import { LogBook } from './server.ts'

/** An endpoint of which its name is known. */
export function endpointAt(port: number, methods?: readonly ('certificate' | 'password')[]) {
  return { host: '192.0.2.1', port, mode: 'tls' as const, ...(methods === undefined ? {} : { methods }) }
}

/**
 * What a server is made of at {@link NOON} that takes certificates of this root and passwords, without opening a socket:
 * both at 192.0.2.1:5222, passwords alone at 192.0.2.1:5223.
 */
export function memoryOptions(root: Made, given: Partial<ServerOptions> = {}): ServerOptions {
  return {
    credentials: [],
    endpoints: [endpointAt(5222), endpointAt(5223, ['password'])],
    startTls: 'required',
    conflict: 'replace',
    limits: DEFAULT_LIMITS,
    login: {
      anchors: new TrustAnchors([root.pem]),
      ledger: new MemoryLedger(),
      policy: { sources: ['xmpp_addr'], commonName: { prefix: '', suffix: '' } },
      now: () => NOON,
    },
    passwords: {
      accounts: new MemoryAccounts(),
      hashes: ['sha-256'],
      iterations: 4096,
      mechanisms: new Set(['SCRAM-SHA-256']),
      registration: false,
    },
    log: new LogBook(),
    ...given,
  }
}
