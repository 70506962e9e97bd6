import type { C2sConfiguration } from '../config/schema.ts'
import { DEFAULT_LIMITS, type ServerLimits } from '../server/limits.ts'

/** The bounds that a listener sets to its clients. */
export function listenerLimits(listener: C2sConfiguration): ServerLimits {
  const { tls } = listener
  return {
    ...DEFAULT_LIMITS,
    afterLogin: { ...DEFAULT_LIMITS.afterLogin, stanzaBytes: listener.max_stanza_size },
    negotiationMs: listener.state_timeout,
    inbound: {
      octetsPerSecond: numberOf(listener.max_bytes_per_second),
      stanzasPerSecond: numberOf(listener.max_stanzas_per_second),
      burstSeconds: listener.burst_seconds,
    },
    outboundBytes: listener.max_outbound_size,
    maxConnections: listener.max_connections,
    maxConnectionsPerAddress: listener.max_connections_per_address,
    certificates: {
      bytes: tls.max_certificate_size,
      chainBytes: tls.max_chain_size,
      chainLength: tls.max_chain_length,
    },
  }
}

function numberOf(limit: number | 'infinity'): number {
  return limit === 'infinity' ? Number.POSITIVE_INFINITY : limit
}
