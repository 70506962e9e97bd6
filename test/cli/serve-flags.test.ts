import { describe, expect, it } from 'vitest'
import { overridesOf, type ServeFlagValues } from '../../src/cli/serve-flags.ts'
import { checkConfiguration } from '../../src/config/load.ts'

/** The configuration of a file and flags, from the command line unless `argv` lacks them. */
function configurationOf(flags: ServeFlagValues, argv: readonly string[], document = '') {
  const overrides = overridesOf(flags, argv)
  return checkConfiguration(document, { file: 'xmppki.toml', home: undefined, overrides, defaultHost: 'localhost' })
}

const TWO = '[[listen.c2s]]\nport = 1\n[[listen.c2s]]\nport = 2\ntls.mode = "tls"\n'

const ports = (flags: ServeFlagValues, document?: string) =>
  configurationOf(flags, [], document).configuration?.listen.c2s.map(({ port }) => port)

describe('the flags of serve', () => {
  it('set the keys that they are for', () => {
    const { configuration } = configurationOf(
      {
        domain: ['a.example', 'b.example'],
        host: '::1',
        port: 15_222,
        'tls-port': 15_223,
        starttls: 'offered',
        'client-ca': ['/a.crt', '/b.crt'],
        'http-port': 8080,
        'http-host': '::',
        'sasl-external': ['common_name'],
        'common-name-prefix': 'user_',
        'common-name-suffix': '-test',
        'resource-conflict': 'refuse',
        'log-level': 'error',
      },
      [],
    )
    const common = { ip_address: '::1', tls: { cacertfile: ['/a.crt', '/b.crt'] } }
    expect(configuration).toMatchObject({
      general: { hosts: ['a.example', 'b.example'], loglevel: 'error', resource_conflict: 'refuse' },
      listen: {
        c2s: [
          { ...common, port: 15_222, tls: { ...common.tls, mode: 'starttls' } },
          { ...common, port: 15_223, tls: { ...common.tls, mode: 'tls' } },
        ],
        http: { port: 8080, ip_address: '::' },
      },
      auth: { sasl_external: ['common_name'], sasl_external_common_name: { prefix: 'user_', suffix: '-test' } },
    })
  })

  it.each<[string, ServeFlagValues, string, number[]]>([
    ['--port 0 leaves the other port to the system too', { port: 0 }, '', [0, 0]],
    ['but not one that the file names', { port: 0 }, TWO, [0, 2]],
    ['nor one of --tls-port', { port: 0, 'tls-port': 7 }, '', [0, 7]],
    ['another --port changes nothing else', { port: 7 }, '', [7, 5223]],
  ])('%s', (_, flags, document, expected) => {
    expect(ports(flags, document)).toEqual(expected)
  })

  it('--host is the address for HTTP as well, unless the file or --http-host has one', () => {
    const address = (flags: ServeFlagValues, document = '') =>
      configurationOf({ host: '::', 'http-port': 1, ...flags }, [], document).configuration?.listen.http?.ip_address
    expect(address({})).toBe('::')
    expect(address({}, '[listen.http]\nport = 2\nip_address = "::1"')).toBe('::1')
    expect(address({ 'http-host': '127.0.0.1' })).toBe('127.0.0.1')
  })

  it.each([
    ['a word of the command line', ['--log-level', 'warn'], { from: 'flag', name: '--log-level' }],
    ['a word with its value', ['--log-level=warn'], { from: 'flag', name: '--log-level' }],
    ['a variable', [], { from: 'environment', name: 'XMPPKI_LOG_LEVEL' }],
  ])('tell whether they are %s', (_, argv, origin) => {
    const { settings } = configurationOf({ 'log-level': 'warn' }, argv)
    expect(settings.find(({ key }) => key === 'general.loglevel')?.origin).toEqual(origin)
  })
})
