import { describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../src/config/load.ts'
import { DEFAULT_LIMITS } from '../../src/server/limits.ts'
import { listenerLimits } from '../../src/service/listener-limits.ts'

function limitsOf(keys: string) {
  const document = `[[listen.c2s]]\nport = 0\n${keys}`
  const options = { file: '/etc/xmppki.toml', home: undefined, overrides: [], defaultHost: 'localhost' }
  const { configuration, problems } = checkConfiguration(document, options)
  const [listener] = configuration?.listen.c2s ?? []
  if (listener === undefined) throw new Error(JSON.stringify(problems))
  return listenerLimits(listener)
}

describe('the limits of a listener', () => {
  it('are those of the server where nothing is said', () => {
    expect(limitsOf('')).toEqual(DEFAULT_LIMITS)
  })

  it.each([
    ['max_stanza_size = 20000', { afterLogin: { ...DEFAULT_LIMITS.afterLogin, stanzaBytes: 20_000 } }],
    ['state_timeout = 5000', { negotiationMs: 5_000 }],
    ['max_bytes_per_second = 1000', { inbound: { ...DEFAULT_LIMITS.inbound, octetsPerSecond: 1_000 } }],
    ['max_bytes_per_second = "infinity"', { inbound: { ...DEFAULT_LIMITS.inbound, octetsPerSecond: Infinity } }],
    ['max_stanzas_per_second = 1', { inbound: { ...DEFAULT_LIMITS.inbound, stanzasPerSecond: 1 } }],
    ['max_stanzas_per_second = "infinity"', { inbound: { ...DEFAULT_LIMITS.inbound, stanzasPerSecond: Infinity } }],
    ['burst_seconds = 60', { inbound: { ...DEFAULT_LIMITS.inbound, burstSeconds: 60 } }],
    ['max_outbound_size = 65536', { outboundBytes: 65_536 }],
    ['max_connections = 5', { maxConnections: 5 }],
    ['max_connections_per_address = 4', { maxConnectionsPerAddress: 4 }],
    ['tls.max_certificate_size = 3000', { certificates: { ...DEFAULT_LIMITS.certificates, bytes: 3_000 } }],
    ['tls.max_chain_size = 30000', { certificates: { ...DEFAULT_LIMITS.certificates, chainBytes: 30_000 } }],
    ['tls.max_chain_length = 2', { certificates: { ...DEFAULT_LIMITS.certificates, chainLength: 2 } }],
  ])('%s', (keys, expected) => {
    expect(limitsOf(keys)).toEqual({ ...DEFAULT_LIMITS, ...expected })
  })
})
