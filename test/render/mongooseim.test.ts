import { describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../src/config/load.ts'
import { importMongooseim } from '../../src/config/mongooseim/import-config.ts'
import { renderMongooseimCfg, renderMongooseimToml } from '../../src/render/mongooseim.ts'
import { golden, readTemplate, serverRequest } from '../support/documents/rendered.ts'

const NOTATIONS = [
  { notation: 'toml', render: renderMongooseimToml },
  { notation: 'cfg', render: renderMongooseimCfg },
]
const WAYS = [
  { auth: 'pki', passwords: false },
  { auth: 'rdbms+pki', passwords: true },
]
const ALL = NOTATIONS.flatMap((notation) => WAYS.map((way) => ({ ...notation, ...way })))

/** What `xmppki config import` makes of it, without the line that says where it comes from. */
function imported(text: string) {
  const { toml, remarks } = importMongooseim(text, 'rendered')
  return { toml: toml.replace(/^#.*\n/, ''), remarks: remarks.map(({ option }) => option) }
}

describe('the configuration of MongooseIM', () => {
  it.each(ALL)('$notation, $auth, is as it was', async ({ notation, render, auth, passwords }) => {
    const text = render(serverRequest({}, passwords), readTemplate)
    await expect(text).toMatchFileSnapshot(golden(`mongooseim-${auth.replace('+', '-')}.${notation}`))
  })

  it.each(NOTATIONS)('$notation names no CRL before there is one', ({ notation, render }) => {
    const text = render(serverRequest({ crls: [] }), readTemplate)
    expect(text.match(/^\s*(tls\.crl_files|\{crlfiles)/gm)).toBeNull()
    expect(imported(text).toml).not.toContain('crl_files')
    if (notation === 'toml') expect(text).toContain('  # tls.crl_files = ["/path/to/root.crl"]')
  })
})

describe('config import', () => {
  it.each(WAYS)('reads both notations back as the same xmppki.toml: $auth', ({ passwords }) => {
    const [toml, cfg] = NOTATIONS.map(({ render }) => imported(render(serverRequest({}, passwords), readTemplate)).toml)
    // Today's notation names the kinds of SCRAM one by one.
    const kinds = '"scram_sha512", "scram_sha256", "scram_sha1"'
    expect(toml?.replace(kinds, '"scram"')).toBe(cfg)
    const context = { file: '/xmppki.toml', home: '/nonexistent', overrides: [], defaultHost: 'workspace.example' }
    const { configuration, problems } = checkConfiguration(String(toml), context)
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
    const tls = {
      verify_mode: 'peer',
      certfile: '/var/lib/xmppki/server/example.org/chain.crt',
      keyfile: '/var/lib/xmppki/server/example.org/server.key',
      cacertfile: ['/var/lib/xmppki/ca/root.crt'],
      crl_files: ['/var/lib/xmppki/ca/root.crl'],
    }
    expect(configuration).toMatchObject({
      general: { hosts: ['example.org'], loglevel: 'warn' },
      listen: {
        c2s: [
          { port: 5222, tls: { ...tls, mode: 'starttls_required', disconnect_on_failure: !passwords } },
          { port: 5223, tls: { ...tls, mode: 'tls', disconnect_on_failure: true } },
        ],
      },
      auth: { methods: passwords ? ['rdbms', 'pki'] : ['pki'], sasl_external: ['xmpp_addr', 'common_name'] },
    })
  })

  it.each(ALL)('finds nothing in it that it does not know: $notation, $auth', ({ render, passwords }) => {
    const { remarks } = imported(render(serverRequest({}, passwords), readTemplate))
    const expected = [
      /^auth method (odbc|rdbms)$/,
      /^sasl mechanism /,
      /^sasl_external$/,
      /tls\.crl_files$/,
      / access$/,
      /^accounts$/,
    ]
    const rest = [
      / (c2s_)?shaper$/,
      /^modules\./,
      /^(acl|access|shaper|language|general\.language)$/,
      /^outgoing_pools$/,
    ]
    const more = [/^internal_databases$/, /^(odbc_server|pool)$/]
    const unexpected = remarks.filter((option) => ![...expected, ...rest, ...more].some((known) => known.test(option)))
    expect(unexpected).toEqual([])
  })
})

describe('a path with characters that mean something', () => {
  const key = '/srv/o\'brien "x" \\y/key 100%.pem'

  it.each(NOTATIONS)('$notation', ({ render }) => {
    const text = render(serverRequest({ key, chain: key }), readTemplate)
    expect(imported(text).toml).toContain(`tls.keyfile = ${JSON.stringify(key)}`)
  })

  it.each(NOTATIONS)('$notation refuses a line break, which would be another option', ({ render }) => {
    const request = serverRequest({ key: '/srv/a"\n{auth_method, anonymous}.' })
    expect(() => render(request, readTemplate)).toThrow('has a control character')
  })
})
