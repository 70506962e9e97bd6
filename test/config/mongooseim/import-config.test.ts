import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../../src/config/load.ts'
import { importMongooseim } from '../../../src/config/mongooseim/import-config.ts'
import type { Configuration } from '../../../src/config/schema.ts'
import { XmppkiError } from '../../../src/errors.ts'

const FIXTURES = new URL('fixtures/', import.meta.url)

function fixture(name: string): string {
  return readFileSync(new URL(name, FIXTURES), 'utf8')
}

interface Effective {
  readonly configuration: Configuration
  readonly toml: string
  /** As `config import` says them. */
  readonly remarks: readonly string[]
}

/** What `serve` would do with the result. */
function effective(text: string): Effective {
  const { toml, remarks } = importMongooseim(text, 'the file')
  const context = { file: '/etc/xmppki.toml', home: '/nonexistent', overrides: [], defaultHost: 'workspace.example' }
  const { configuration, problems } = checkConfiguration(toml, context)
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  if (configuration === undefined) throw new Error(`no configuration:\n${toml}`)
  return { configuration, toml, remarks: remarks.map(({ kind, option, reason }) => `${kind}: ${option}: ${reason}`) }
}

/** A cfg with one listener. */
function cfg({ options = '', rest = '' }): string {
  return `{hosts, ["example.org"]}. {listen, [{5222, ejabberd_c2s, [${options}]}]}. ${rest}`
}

const PKI = '{auth_method, pki}. {sasl_mechanisms, [cyrsasl_external]}. {auth_opts, [{cyrsasl_external, standard}]}.'
const PKI_TOML = '[auth]\nmethods = ["pki"]\nsasl_mechanisms = ["external"]\n'

const firstTls = (text: string) => effective(text).configuration.listen.c2s[0]?.tls

describe('a file of MongooseIM', () => {
  it.each([
    { name: 'guide-certificate.cfg', methods: ['pki'], sasl_mechanisms: ['external'] },
    { name: 'guide-certificate-or-password.cfg', methods: ['rdbms', 'pki'], sasl_mechanisms: ['external', 'scram'] },
  ])('$name lets Common Names in', ({ name, methods, sasl_mechanisms }) => {
    const { configuration, remarks } = effective(fixture(name))
    expect(configuration.general.hosts).toEqual(['workspace.example'])
    expect(configuration.listen.c2s).toHaveLength(1)
    expect(configuration.listen.c2s[0]).toMatchObject({
      port: 5222,
      ip_address: '0.0.0.0',
      tls: {
        mode: 'starttls',
        verify_mode: 'peer',
        disconnect_on_failure: true,
        cacertfile: ['/path/to/ca.pem'],
        certfile: undefined,
      },
    })
    expect(configuration.auth).toMatchObject({
      methods,
      sasl_mechanisms,
      sasl_external: ['xmpp_addr', 'common_name'],
    })
    expect(remarks.filter((line) => line.startsWith('different: cyrsasl_external: is not set'))).toHaveLength(1)
  })

  it('the guide has a place for everything, odbc and SCRAM as well', () => {
    const { remarks } = effective(fixture('guide-certificate-or-password.cfg'))
    expect(remarks.filter((line) => line.startsWith('left out'))).toEqual([])
    expect(remarks).toContain('different: accounts: are not in the configuration: bring them with xmppki user import')
  })

  it.each([
    {
      name: 'an-old-server.cfg',
      general: { hosts: ['chat.example.org', 'guests.example.org'], loglevel: 'info' },
      listener: { port: 5322, max_stanza_size: 98_304 },
      files: { certfile: '/etc/keys/chat-bundle.pem', keyfile: '/etc/keys/chat-bundle.pem' },
      s2s: 'listen 5270 ejabberd_s2s_in',
      secrets: /barley|rye|poppy|urds/,
      auth: { sasl_mechanisms: ['scram'], password: { scram_iterations: 0x2000 } },
    },
    {
      name: 'a-new-server.toml',
      general: { hosts: ['talk.example.net'], loglevel: 'warn' },
      listener: { port: 5422, max_stanza_size: 80_000 },
      files: { certfile: '/etc/pem/talk.crt', keyfile: '/etc/pem/talk.key' },
      s2s: 'listen.s2s 5279',
      secrets: /oak|elm/,
      auth: { sasl_mechanisms: ['scram_sha256', 'plain'], password: { scram_iterations: 10_000 } },
    },
  ])('$name, which has passwords only, lets no certificate in', (row) => {
    const { name, general, listener, files, s2s, secrets, auth } = row
    const { configuration, toml, remarks } = effective(fixture(name))
    expect(fixture(name)).toMatch(secrets)
    expect(configuration.general).toMatchObject(general)
    expect(configuration.listen.c2s).toHaveLength(1)
    expect(configuration.listen.c2s[0]).toMatchObject({
      ...listener,
      ip_address: '0.0.0.0',
      tls: { mode: 'starttls', verify_mode: 'none', ...files, cacertfile: [] },
    })
    expect(configuration.auth).toMatchObject({ methods: ['rdbms'], sasl_external: ['xmpp_addr'], ...auth })
    const named = remarks.map((line) => line.split(': ')[1])
    expect(named).toEqual(expect.arrayContaining(['accounts', 'modules.mod_stream_management', 'shaper']))
    expect(remarks).toContain(`left out: ${s2s}: there is no federation with other servers`)
    expect(toml + remarks.join('\n')).not.toMatch(secrets)
  })

  it('two-listeners.toml keeps each listener as it was', () => {
    const { configuration, toml, remarks } = effective(fixture('two-listeners.toml'))
    expect(configuration.general).toMatchObject({ hosts: ['example.org', 'example.com'], loglevel: 'info' })
    expect(configuration.listen.c2s).toMatchObject([
      {
        port: 5222,
        ip_address: '192.0.2.1',
        max_stanza_size: 65_536,
        tls: {
          mode: 'starttls_required',
          verify_mode: 'peer',
          disconnect_on_failure: false,
          certfile: '/etc/xmpp/cert.pem',
          keyfile: '/etc/xmpp/key.pem',
          cacertfile: ['/etc/xmpp/ca.pem'],
          crl_files: ['/etc/xmpp/ca.crl'],
          versions: ['tlsv1.2', 'tlsv1.3'],
          ciphers: 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384',
          session_tickets: false,
        },
      },
      {
        port: 5223,
        ip_address: '::',
        max_stanza_size: 262_144,
        tls: { mode: 'tls', verify_mode: 'selfsigned_peer', disconnect_on_failure: true, session_tickets: true },
      },
      { port: 5224, tls: { verify_mode: 'none', cacertfile: [], disconnect_on_failure: false } },
    ])
    expect(configuration.auth).toMatchObject({
      sasl_external: ['xmpp_addr', 'common_name'],
      sasl_external_common_name: { prefix: 'cert.', suffix: '.lab' },
    })
    expect(toml + remarks.join('\n')).not.toContain('well-kept')
    expect(remarks).toContain(
      'left out: listen.c2s 5223 tls.password: write the password of the key into a file and name it with tls.password_file',
    )
    expect(remarks).toContain('left out: modules.mod_mam: messages are not archived')
    expect(remarks.join('\n')).not.toContain('proxy_protocol')
  })

  it('every fixture passes', () => {
    const names = readdirSync(FIXTURES)
    expect(names.length).toBeGreaterThanOrEqual(5)
    for (const name of names) expect(effective(fixture(name)).configuration.listen.c2s.length).toBeGreaterThan(0)
  })
})

describe('a listener of a cfg', () => {
  it.each([
    ['a port', '5222', { port: 5222, ip_address: '0.0.0.0' }],
    ['an address as a tuple', '{5222, {127,0,0,1}}', { port: 5222, ip_address: '127.0.0.1' }],
    ['an address as a string', '{5222, "::1"}', { port: 5222, ip_address: '::1' }],
    ['IPv6 as a tuple', '{5222, {16#fd00,0,0,0,0,0,0,1}, tcp}', { port: 5222, ip_address: 'fd00:0:0:0:0:0:0:1' }],
    ['every address of IPv6', '{5222, {0,0,0,0,0,0,0,0}}', { port: 5222, ip_address: '::' }],
    ['a protocol', '{5222, tcp}', { port: 5222, ip_address: '0.0.0.0' }],
  ])('is bound to %s', (_, port, expected) => {
    const text = `{listen, [{${port}, ejabberd_c2s, []}]}.`
    expect(effective(text).configuration.listen.c2s).toMatchObject([expected])
  })

  it.each([
    ['the option ip', '{ip, {10,0,0,1}}', '10.0.0.1'],
    ['inet6', 'inet6', '::'],
  ])('is bound by %s', (_, options, ip_address) => {
    expect(effective(cfg({ options })).configuration.listen.c2s).toMatchObject([{ ip_address }])
  })

  it.each([
    ['tls', 'tls', 'tls', 'none'],
    ['starttls', 'starttls', 'starttls', 'none'],
    ['starttls_required', 'starttls, starttls_required', 'starttls_required', 'none'],
    ['verify_peer, which implies STARTTLS', 'verify_peer', 'starttls', 'peer'],
    ['tls, verify_peer', 'tls, verify_peer', 'tls', 'peer'],
    ['verify_none', 'starttls, verify_peer, verify_none', 'starttls', 'none'],
    ['nothing, which was not a TLS', '', 'starttls_required', 'none'],
    [
      'self-signed certificates',
      'verify_peer, {ssl_options, [{verify_fun, {selfsigned_peer, false}}]}',
      'starttls',
      'selfsigned_peer',
    ],
  ])('with %s', (_, options, mode, verify_mode) => {
    expect(firstTls(cfg({ options, rest: PKI }))).toMatchObject({ mode, verify_mode })
  })

  it.each([
    ['fast_tls, which goes on', 'verify_peer', false],
    ['just_tls', 'verify_peer, {tls_module, just_tls}', true],
    [
      'just_tls that was told to go on',
      'verify_peer, {tls_module, just_tls}, {ssl_options, [{verify_fun, {peer, false}}]}',
      false,
    ],
  ])('and a bad certificate: %s', (_, options, expected) => {
    expect(firstTls(cfg({ options, rest: PKI }))).toMatchObject({ disconnect_on_failure: expected })
  })

  it.each([
    ['old versions off', '{protocol_options, ["no_sslv3", "no_tlsv1"]}', ['tlsv1.2', 'tlsv1.3']],
    ['TLS 1.2 off', '{protocol_options, ["no_tlsv1_2"]}', ['tlsv1.3']],
    ['one string', '{protocol_options, "no_sslv3|no_tlsv1_3"}', ['tlsv1.2']],
    ['ssl_options', "{ssl_options, [{versions, ['tlsv1.2']}]}", ['tlsv1.2']],
  ])('speaks the versions left by %s', (_, options, versions) => {
    expect(firstTls(cfg({ options: `starttls, ${options}` }))?.versions).toEqual(versions)
  })

  it('takes CRLs, ciphers, and the key from the file of the certificate', () => {
    const options = 'verify_peer, {certfile, "/c.pem"}, {crlfiles, ["/a.crl"]}, {ciphers, "HIGH:!aNULL"}'
    expect(firstTls(cfg({ options, rest: PKI }))).toMatchObject({
      certfile: '/c.pem',
      keyfile: '/c.pem',
      crl_files: ['/a.crl'],
      ciphers: 'HIGH:!aNULL',
    })
  })

  it('is left out when another has its place, or when it is UDP', () => {
    const text = '{listen, [{5222, ejabberd_c2s, []}, {5222, ejabberd_c2s, []}, {{3478, udp}, ejabberd_stun, []}]}.'
    const { configuration, remarks } = effective(text)
    expect(configuration.listen.c2s).toHaveLength(1)
    expect(remarks).toContain('left out: listen 5222 ejabberd_c2s: another listener has this address and port')
    expect(remarks).toContain('left out: listen 3478 ejabberd_stun: has no counterpart in xmppki')
  })
})

describe('who may log in', () => {
  const verified = 'verify_peer, {cafile, "/ca.pem"}'
  const external = '{sasl_mechanisms, [cyrsasl_external]}.'

  it.each([
    ['without pki', `{auth_method, internal}. ${external}`, 'pki is not among the methods of authentication'],
    ['with a method that asks somebody else', `{auth_method, [ldap]}. ${external}`, 'pki is not among the methods'],
    ['without EXTERNAL', '{auth_method, pki}. {sasl_mechanisms, [cyrsasl_plain]}.', 'external is not among'],
    ['without mechanisms', '{auth_method, pki}.', 'external is not among sasl_mechanisms'],
    ['without anything', '', 'pki is not among the methods of authentication'],
    [
      'with a verification module of their own alone',
      `{auth_method, pki}. ${external} {auth_opts, [{cyrsasl_external, [{mod, my_module}]}]}.`,
      'no source of names in sasl_external is known',
    ],
  ])('nobody, %s', (_, rest, reason) => {
    const { configuration, remarks } = effective(cfg({ options: verified, rest }))
    expect(configuration.listen.c2s[0]?.tls).toMatchObject({ verify_mode: 'none', cacertfile: [] })
    expect(remarks.join('\n')).toContain(reason)
  })

  it.each([
    ['standard', 'standard', ['xmpp_addr']],
    ['use_common_name (3.3)', 'use_common_name', ['xmpp_addr', 'common_name']],
    ['a list', '[standard, common_name]', ['xmpp_addr', 'common_name']],
    ['a list in another order', '[common_name, standard]', ['common_name', 'xmpp_addr']],
    ['allow_just_user_identity (3.3)', 'allow_just_user_identity', ['xmpp_addr', 'auth_id']],
    ['an empty list', '[]', ['xmpp_addr']],
    ['a list with a module', '[standard, {mod, my_module}]', ['xmpp_addr']],
  ])('named by cyrsasl_external %s', (_, value, expected) => {
    const rest = `{auth_method, pki}. ${external} {auth_opts, [{cyrsasl_external, ${value}}]}.`
    expect(effective(cfg({ options: verified, rest })).configuration.auth.sasl_external).toEqual(expected)
  })

  it.each([
    ['3.7', '{auth_method, pki}. {sasl_mechanisms, [cyrsasl_scram_sha1, cyrsasl_external]}.'],
    ['rdbms', `{auth_method, [rdbms, pki]}. ${external}`],
    ['outgoing_pools', `{auth_method, pki}. ${external} {outgoing_pools, []}.`],
    [
      'the option, on another host',
      `{auth_method, pki}. ${external} {host_config, "b", [{auth_opts, [{cyrsasl_external, standard}]}]}.`,
    ],
  ])('an xmppAddr alone counts in a release with %s', (_, rest) => {
    const { configuration, remarks } = effective(cfg({ options: verified, rest }))
    expect(configuration.auth.sasl_external).toEqual(['xmpp_addr'])
    expect(remarks.join('\n')).not.toContain('is not set: the Common Name')
  })

  it('TOML: an xmppAddr alone by default', () => {
    const text = `[[listen.c2s]]\nport = 5222\ntls.cacertfile = "/ca.pem"\n${PKI_TOML}`
    const { configuration } = effective(text)
    expect(configuration.auth.sasl_external).toEqual(['xmpp_addr'])
    expect(configuration.listen.c2s[0]?.tls).toMatchObject({ mode: 'starttls', verify_mode: 'peer' })
  })

  it.each([
    ['4.x without verify_peer', 'module = "just_tls"', { verify_mode: 'none' }],
    ['4.x with verify_peer', 'verify_peer = true', { verify_mode: 'peer', disconnect_on_failure: false }],
    [
      '4.x with just_tls',
      'verify_peer = true\ntls.module = "just_tls"\ntls.verify_mode = "selfsigned_peer"',
      { verify_mode: 'selfsigned_peer', disconnect_on_failure: true },
    ],
    ['verify_peer off', 'verify_peer = false\ntls.verify_mode = "peer"', { verify_mode: 'none' }],
    ['a word nobody knows', 'verify_mode = "perr"', { verify_mode: 'none' }],
  ])('TOML of %s', (_, line, expected) => {
    expect(firstTls(`[[listen.c2s]]\nport = 5222\ntls.${line}\n${PKI_TOML}`)).toMatchObject(expected)
  })
})

describe('passwords', () => {
  const external = '{sasl_mechanisms, [cyrsasl_external]}.'
  const OPEN = '{auth_method, [rdbms]}.'

  it.each([
    ['internal', '{auth_method, internal}. {sasl_mechanisms, [cyrsasl_scram]}.', { sasl_mechanisms: ['scram'] }],
    ['PLAIN, which was named', `${OPEN} {sasl_mechanisms, [cyrsasl_plain]}.`, { sasl_mechanisms: ['plain'] }],
    [
      'the mechanisms of 3.7',
      `${OPEN} {sasl_mechanisms, [cyrsasl_scram_sha256_plus, cyrsasl_scram_sha1]}.`,
      { sasl_mechanisms: ['scram_sha256_plus', 'scram_sha1'] },
    ],
    [
      'hashes in the format, as in 3.7',
      `${OPEN} {auth_opts, [{password_format, {scram, [sha256, sha384]}}, {scram_iterations, 20000}]}.`,
      { password: { hash: ['sha-256'], scram_iterations: 20_000 } },
    ],
    [
      'too few rounds',
      `${OPEN} {auth_opts, [{password_format, scram}, {scram_iterations, 1000}]}.`,
      { password: { scram_iterations: 10_000 } },
    ],
  ])('log in with %s', (_, rest, expected) => {
    const { configuration } = effective(cfg({ options: 'starttls', rest }))
    expect(configuration.auth).toMatchObject({ methods: ['rdbms'], ...expected })
    expect(configuration.listen.c2s[0]?.tls.verify_mode).toBe('none')
  })

  it('log in with SCRAM alone where no mechanism was named', () => {
    const { configuration, remarks } = effective(cfg({ rest: OPEN }))
    expect(configuration.auth.sasl_mechanisms).toEqual(['scram'])
    expect(remarks.join('\n')).toContain('different: sasl_mechanisms: is not set: SCRAM is offered, and PLAIN')
  })

  it.each([
    ['where somebody else was asked', '{auth_method, [ldap]}. {sasl_mechanisms, [cyrsasl_plain]}.', 'auth method ldap'],
    ['by mechanisms that are gone', `${OPEN} {sasl_mechanisms, [cyrsasl_digest]}.`, 'sasl mechanism digest'],
    ['by certificates alone', `${OPEN} ${external}`, 'none of sasl_mechanisms is for passwords'],
    [
      'by SCRAM for a hash that nothing is kept for',
      `${OPEN} {sasl_mechanisms, [cyrsasl_scram_sha1]}. {auth_opts, [{password_format, {scram, [sha512]}}]}.`,
      'none of those for passwords is for a hash',
    ],
  ])('do not log in %s', (_, rest, remark) => {
    const { configuration, remarks } = effective(cfg({ options: 'starttls', rest }))
    expect(configuration.auth).toMatchObject({ methods: ['pki'], sasl_mechanisms: ['external'] })
    expect(configuration.listen.c2s[0]?.tls.verify_mode).toBe('none')
    expect(remarks.join('\n')).toContain(remark)
  })

  const toml = (listener: string, auth: string) =>
    `[[listen.c2s]]\nport = 5222\ntls.cacertfile = "/ca.pem"\n${listener}\n[auth]\nsasl_mechanisms = ["external", "scram_sha256"]\n${auth}`
  const BOTH = 'methods = ["pki", "rdbms"]'

  it('have their options in TOML', () => {
    const auth = `${BOTH}\nmax_users_per_domain = 500\npassword.hash = ["sha256"]\npassword.scram_iterations = 50_000`
    expect(effective(toml('', auth)).configuration.auth).toMatchObject({
      methods: ['rdbms', 'pki'],
      sasl_mechanisms: ['external', 'scram_sha256'],
      max_users_per_domain: 500,
      password: { hash: ['sha-256'], scram_iterations: 50_000 },
    })
  })

  it.each([
    ['pki', '["pki"]', ['pki'], 'peer'],
    ['rdbms', '["rdbms"]', ['rdbms'], 'none'],
    ['both', '["rdbms", "pki"]', ['rdbms', 'pki'], 'peer'],
    ['another one, and then nobody', '["ldap"]', ['pki'], 'none'],
  ])('log in where a listener lets them: %s', (_, allowed, methods, verify_mode) => {
    const { configuration } = effective(toml(`allowed_auth_methods = ${allowed}`, BOTH))
    expect(configuration.listen.c2s).toMatchObject([{ allowed_auth_methods: methods, tls: { verify_mode } }])
  })

  it('do not log in at a listener for other methods where they are all there is', () => {
    const { configuration } = effective(toml('allowed_auth_methods = ["ldap"]', 'methods = ["rdbms", "ldap"]'))
    expect(configuration.listen.c2s).toMatchObject([{ allowed_auth_methods: ['pki'], tls: { verify_mode: 'none' } }])
  })

  it('that count otherwise on a host leave it out', () => {
    const text =
      `[general]\nhosts = ["a.example", "b.example"]\n${toml('', BOTH)}\n` +
      '[[host_config]]\nhost = "b.example"\nauth.methods = ["pki"]\nauth.sasl_mechanisms = ["external"]\n'
    const { configuration, remarks } = effective(text)
    expect(configuration.general.hosts).toEqual(['a.example'])
    expect(remarks.join('\n')).toContain('left out: host b.example: passwords count otherwise there')
  })
})

describe('auth_id', () => {
  it('is taken over, with a warning', () => {
    const text = `[[listen.c2s]]\nport = 5222\ntls.verify_mode = "peer"\n${PKI_TOML}sasl_external = ["auth_id"]\n`
    const { configuration, remarks } = effective(text)
    expect(configuration.auth.sasl_external).toEqual(['auth_id'])
    expect(remarks).toContain(
      'different: sasl_external: "auth_id" lets every certificate log in as any user: remove it if you can',
    )
  })
})

describe('a host with rules of its own', () => {
  const options = 'verify_peer, {cafile, "/ca.pem"}'
  const three = (rest: string) =>
    `{hosts, ["a.example", "b.example", "c.example"]}. {listen, [{5222, ejabberd_c2s, [${options}]}]}. ${rest}`

  it('is left out when certificates did not log in there', () => {
    const text = three(`${PKI} {host_config, "b.example", [{auth_method, anonymous}, {modules, []}]}.`)
    const { configuration, remarks } = effective(text)
    expect(configuration.general.hosts).toEqual(['a.example', 'c.example'])
    expect(remarks.join('\n')).toContain('left out: host b.example: no certificate login: pki is not among the methods')
    expect(remarks.join('\n')).toContain('left out: host_config b.example modules')
  })

  it('is left out when other names counted there', () => {
    const own = '{host_config, "c.example", [{auth_opts, [{cyrsasl_external, use_common_name}]}]}.'
    const { configuration } = effective(three(`${PKI} ${own}`))
    expect(configuration.general.hosts).toEqual(['a.example', 'b.example'])
    expect(configuration.auth.sasl_external).toEqual(['xmpp_addr'])
  })

  it('is the only one served when certificates logged in nowhere else', () => {
    const own =
      '[{auth_method, pki}, {sasl_mechanisms, [cyrsasl_external]}, {auth_opts, [{cyrsasl_external, standard}]}]'
    const { configuration } = effective(three(`{auth_method, internal}. {host_config, "B.example", ${own}}.`))
    expect(configuration.general.hosts).toEqual(['b.example'])
    expect(configuration.listen.c2s[0]?.tls.verify_mode).toBe('peer')
  })

  it('stays when its rules are the same', () => {
    const { configuration } = effective(three(`${PKI} {host_config, "a.example", [{auth_method, [pki]}]}.`))
    expect(configuration.general.hosts).toEqual(['a.example', 'b.example', 'c.example'])
  })

  it('TOML: takes nothing from the top', () => {
    const listener = '[[listen.c2s]]\nport = 5222\ntls.cacertfile = "/ca.pem"\n'
    const own = '[[host_config]]\nhost = "b.example"\n[host_config.auth]\nmethods = ["pki"]\n'
    const text = `[general]\nhosts = ["a.example", "b.example"]\n${listener}${PKI_TOML}${own}`
    expect(effective(text).configuration.general.hosts).toEqual(['a.example'])
  })

  it('keeps its certificate', () => {
    const certificate = '{domain_certfile, "b.example", "/b.pem"}. {domain_certfile, "z.example", "/z.pem"}.'
    const { configuration, remarks } = effective(three(`${PKI} ${certificate}`))
    expect(configuration.host_config).toMatchObject([{ host: 'b.example', certfile: '/b.pem', keyfile: '/b.pem' }])
    expect(remarks.join('\n')).toContain('left out: domain_certfile z.example')
    const toml =
      '[general]\nhosts = ["b.example"]\n[[general.domain_certfile]]\ndomain = "b.example"\ncertfile = "/b.pem"\n'
    expect(effective(`${toml}[[listen.c2s]]\nport = 1\n`).configuration.host_config).toMatchObject([
      { certfile: '/b.pem' },
    ])
  })
})

describe('the rest of a cfg', () => {
  it('macros, and what is at the top of old files', () => {
    const text = `override_local. {define_macro, 'PORT', 5300}.
      {loglevel, 5}. {host, "example.org"}. {listen, [{'PORT', ejabberd_c2s, [{max_stanza_size, infinity}]}]}.
      {append_host_config, "a", []}.`
    const { configuration, remarks } = effective(text)
    expect(configuration.general).toMatchObject({ loglevel: 'debug', hosts: ['example.org'] })
    expect(configuration.listen.c2s).toMatchObject([{ port: 5300 }])
    expect(remarks).toContain('left out: override_local: a configuration is always taken whole')
    expect(remarks).toContain('left out: append_host_config: has no counterpart in xmppki')
  })

  it.each([
    ['a host that is none', cfg({}).replace('example.org', 'exa mple'), 'left out: host exa mple'],
    ['a level that is none', cfg({ rest: '{loglevel, 17}.' }).replace('17', '"loud"'), 'left out: loglevel'],
    [
      'a stanza too small',
      cfg({ options: '{max_stanza_size, 5000}' }),
      'ejabberd_c2s max_stanza_size: 5000 is out of bounds',
    ],
    ['ciphers that are none', cfg({ options: 'starttls, {ciphers, "a b"}' }), 'ejabberd_c2s tls.ciphers: "a b" is not'],
    ['a control character', cfg({ rest: "{'a\\eb', 1}." }), 'left out: a?b: has no counterpart'],
  ])('%s is left out', (_, text, remark) => {
    expect(effective(text).remarks.join('\n')).toContain(remark)
  })
})

describe('what cannot be imported', () => {
  const listen = '{listen, [{5222, ejabberd_c2s, []}]}.'

  it.each([
    ['an empty file', '', 'f has no listener for clients (ejabberd_c2s, or listen.c2s)'],
    ['a file without listeners', '{hosts, ["a"]}.', 'f has no listener for clients (ejabberd_c2s, or listen.c2s)'],
    ['something else', 'hello world', /^f:1:\d+: /],
    ['TOML with an error', '[general]\nhosts = [', /^f:2:\d+: /],
    ['a cfg with an error', '{listen,\n [}.', "f:2:3: expected a term, not '}'"],
    [
      'a file that includes',
      `${listen}\n{include_config_file, "a.cfg"}.`,
      'f:2:1: files that are included are not read',
    ],
    ['an option twice', `${listen}\n${listen}`, 'f:2:1: listen is there twice'],
    ['an option of a listener twice', '{listen, [\n{1, ejabberd_c2s, [tls, tls]}]}.', 'f:2:1: tls is there twice'],
    [
      'a port that is none',
      '{listen, [{a, ejabberd_c2s, []}]}.',
      'f:1:11: the port of ejabberd_c2s must be a number from 0 to 65535',
    ],
    ['an address that is none', '{listen, [{{1,{2,3}}, ejabberd_c2s, []}]}.', /^f:1:11: an address is/],
    ['a listener that is none', '{listen, [a]}.', 'f:1:11: a listener is {Port, Module, Options}'],
    [
      'a file that is not a string',
      '{listen, [{1, ejabberd_c2s, [{certfile, 7}]}]}.',
      'f:1:11: certfile must be a string',
    ],
    ['hosts that are none', `${listen} {hosts, [1]}.`, 'f:1:39: hosts must be a list of strings'],
    ['a term that is none', '%\n"text".', 'f:2:1: expected {option, Value} or an atom'],
    [
      'TOML without a port',
      '[[listen.c2s]]\naccess = "all"',
      'f: listen.c2s[0]: port must be a number from 0 to 65535',
    ],
    [
      'TOML of the wrong type',
      '[[listen.c2s]]\nport = 1\ntls.verify_peer = 1',
      'f: listen.c2s[0].tls: verify_peer must be true or false',
    ],
    [
      'a prefix of no username',
      '[auth.sasl_external_common_name]\nprefix = "a\\r"\n[[listen.c2s]]\nport = 1',
      'f: [auth]: prefix must be part of a username',
    ],
    ['TOML that is not a table', 'listen = 1', 'f: listen must be a table'],
  ])('%s', (_, text, message) => {
    expect(() => importMongooseim(text, 'f')).toThrow(message)
    expect(() => importMongooseim(text, 'f')).toThrow(XmppkiError)
  })
})
