import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkConfiguration, describeProblem, loadConfiguration, readConfiguration } from '../../src/config/load.ts'
import type { Override } from '../../src/config/overrides.ts'
import { XmppkiError } from '../../src/errors.ts'

const FILE = '/etc/xmppki.toml'

function check(document: string, overrides: readonly Override[] = []) {
  return checkConfiguration(document, { file: FILE, home: undefined, overrides, defaultHost: 'localhost' })
}

/** The configuration of a document that must be good. */
function good(document: string, overrides: readonly Override[] = []) {
  const { configuration, problems } = check(document, overrides)
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  if (configuration === undefined) throw new Error('no configuration')
  return configuration
}

const LISTENER = '[[listen.c2s]]\nport = 5222\n'

/** Of `xmppki.toml`, all of it. */
const COMPLETE = `
[general]
hosts = ["example.org", "EXAMPLE.com"]
loglevel = "warning"
resource_conflict = "rename"

[[host_config]]
host = "example.com"
certfile = "com.crt"
keyfile = "/keys/com.key"
password_file = "com.password"

[[listen.c2s]]
port = 5222
ip_address = "::"
max_connections = 5
max_connections_per_address = 2
max_stanza_size = 20000
state_timeout = 5000
tls.mode = "starttls"
tls.verify_mode = "selfsigned_peer"

[[listen.c2s]]
port = 5223
  [listen.c2s.tls]
  mode = "tls"
  disconnect_on_failure = true
  certfile = "all.crt"
  keyfile = "all.key"
  cacertfile = "partners.crt"
  versions = ["tlsv1.3"]
  ciphers = "TLS_AES_256_GCM_SHA384"
  crl_files = ["a.crl", "b.crl"]
  crl_mode = "hard"
  session_tickets = true
  max_certificate_size = 4096
  max_chain_length = 2

[listen.http]
port = 8080

[auth]
methods = ["pki"]
sasl_mechanisms = ["cyrsasl_external"]
sasl_external = ["standard", "common_name"]
sasl_external_common_name.prefix = "user_"

[store]
url_file = "database.url"
`

describe('a configuration', () => {
  it('without a file has two listeners on this machine, and the domain of the workspace', () => {
    const { general, listen, host_config, auth } = good('')
    expect(general).toEqual({ hosts: ['localhost'], loglevel: 'info', resource_conflict: 'replace' })
    expect(host_config).toEqual([])
    expect(listen.http).toBeUndefined()
    expect(listen.c2s.map(({ port, ip_address, tls }) => [ip_address, port, tls.mode])).toEqual([
      ['127.0.0.1', 5222, 'starttls_required'],
      ['127.0.0.1', 5223, 'tls'],
    ])
    expect(auth).toMatchObject({
      methods: ['pki'],
      sasl_mechanisms: ['external', 'scram'],
      sasl_external: ['xmpp_addr', 'common_name'],
      sasl_external_common_name: { prefix: '', suffix: '' },
    })
  })

  it('fails closed where nothing is said', () => {
    const { tls } = good(LISTENER).listen.c2s[0]!
    expect(tls).toEqual({
      mode: 'starttls_required',
      verify_mode: 'peer',
      disconnect_on_failure: false,
      certfile: undefined,
      keyfile: undefined,
      password_file: undefined,
      cacertfile: [],
      versions: ['tlsv1.2', 'tlsv1.3'],
      ciphers: undefined,
      crl_files: [],
      crl_mode: 'soft',
      session_tickets: false,
      max_certificate_size: 16_384,
      max_chain_size: 65_536,
      max_chain_length: 8,
    })
  })

  it('takes everything from the file: names prepared, aliases resolved, paths from the folder of the file', () => {
    const { general, host_config, listen, auth, store } = good(COMPLETE)
    expect(general).toEqual({ hosts: ['example.org', 'example.com'], loglevel: 'warn', resource_conflict: 'rename' })
    expect(host_config).toEqual([
      {
        host: 'example.com',
        certfile: '/etc/com.crt',
        keyfile: '/keys/com.key',
        password_file: '/etc/com.password',
      },
    ])
    expect(listen.c2s[0]).toMatchObject({
      port: 5222,
      ip_address: '::',
      max_connections: 5,
      max_connections_per_address: 2,
      max_stanza_size: 20_000,
      state_timeout: 5_000,
      tls: { mode: 'starttls', verify_mode: 'selfsigned_peer' },
    })
    expect(listen.c2s[1]?.tls).toEqual({
      mode: 'tls',
      verify_mode: 'peer',
      disconnect_on_failure: true,
      certfile: '/etc/all.crt',
      keyfile: '/etc/all.key',
      password_file: undefined,
      cacertfile: ['/etc/partners.crt'],
      versions: ['tlsv1.3'],
      ciphers: 'TLS_AES_256_GCM_SHA384',
      crl_files: ['/etc/a.crl', '/etc/b.crl'],
      crl_mode: 'hard',
      session_tickets: true,
      max_certificate_size: 4_096,
      max_chain_size: 65_536,
      max_chain_length: 2,
    })
    expect(listen.http).toEqual({ port: 8080, ip_address: '127.0.0.1' })
    expect(store).toEqual({ url: undefined, url_file: '/etc/database.url' })
    expect(auth).toMatchObject({
      sasl_mechanisms: ['external'],
      sasl_external: ['xmpp_addr', 'common_name'],
      sasl_external_common_name: { prefix: 'user_', suffix: '' },
    })
  })

  it('may have its only listener as a single table', () => {
    const { listen } = good('[listen.c2s]\nport = 5269\n[listen.c2s.tls]\nmode = "tls"')
    expect(listen.c2s.map(({ port, tls }) => [port, tls.mode])).toEqual([[5269, 'tls']])
  })

  it('tells where each value comes from', () => {
    const origin = { from: 'flag', name: '--log-level' } as const
    const { settings } = check('[general]\n\nhosts = ["a.example"]\n[listen.c2s]\nport = 1', [
      { path: ['general', 'loglevel'], value: 'debug', origin },
    ])
    const origins = new Map(settings.map((setting) => [setting.key, setting.origin]))
    expect(origins.get('general.hosts')).toEqual({ from: 'file', line: 3 })
    expect(origins.get('general.loglevel')).toEqual(origin)
    expect(origins.get('general.resource_conflict')).toEqual({ from: 'default' })
    expect(origins.get('listen.c2s.port')).toEqual({ from: 'file', line: 5 })
  })
})

/** Each with what is printed for it: place, key, what is wrong, and what to do. */
const ERRORS: readonly (readonly [name: string, document: string, printed: RegExp, fix: RegExp])[] = [
  [
    'an unknown key, near',
    '[auth]\nsasl_externl = []',
    /^\S+:2: auth\.sasl_externl: there is no such key$/,
    /sasl_external\?/,
  ],
  [
    'an unknown key, far',
    `${LISTENER}shaper = "fast"`,
    /:3: listen\.c2s\[0\]\.shaper: there is no/,
    /known here: port, ip/,
  ],
  ['an unknown table', '[modules.mod_mam]', /:1?:? ?modules: there is no such key$/, /known here: general/],
  [
    'the URL of a database that is none, without the URL',
    '[store]\nurl = "postgres://u:sesame@h/d?sslmode=require"',
    /:2: store\.url: the URL of the database cannot be used: its sslmode is not one that proves who answers$/,
    /sslmode=verify-full/,
  ],
  [
    'two places for the URL of the database',
    '[store]\nurl = "postgres://u:p@h/d"\nurl_file = "f"',
    /:3: store\.url_file: there is a url as well$/,
    /one of the two/,
  ],
  [
    'a key in the wrong table',
    `${LISTENER}certfile = "x"`,
    /:3: .*certfile: there is no/,
    /belongs into .*\[listen\.c2s\.tls\]/,
  ],
  ['a key that another replaces', `${LISTENER}tls.password = "x"`, /tls\.password: there is no/, /password_file/],
  ['__proto__', '__proto__ = 1', /__proto__: there is no such key/, /known here/],
  ['constructor', '[auth]\nconstructor.x = 1', /:2: auth\.constructor: there is no/, /known here/],
  [
    'a word that is none, near',
    `${LISTENER}tls.mode = "starttls_requird"`,
    /:3: .*mode: "starttls_requird" is not/,
    /"starttls_required"\?/,
  ],
  [
    'a mechanism that is not there',
    '[auth]\nsasl_mechanisms = ["digest"]',
    /:2: .*"digest" is not one of external/,
    /^$/,
  ],
  ['a port out of bounds', '[[listen.c2s]]\nport = 65536', /:2: .*port: 65536 is out of bounds: 0 to 65535/, /^$/],
  ['a port with a fraction', '[[listen.c2s]]\nport = 1.5', /expected a whole number .* not the number 1\.5/, /^$/],
  ['a port as text', '[[listen.c2s]]\nport = "5222"', /expected a whole number .* not a string/, /^$/],
  ['a date', '[general]\nloglevel = 1979-05-27', /expected one of .* not a date/, /^$/],
  ['no port', '\n[[listen.c2s]]\nip_address = "::"', /:2: listen\.c2s\[0\]\.port: is missing/, /^set it: TCP port/],
  ['a stanza size below RFC 6120 §13.12', `${LISTENER}max_stanza_size = 9999`, /out of bounds: 10000 to/, /^$/],
  ['a table that is a number', 'auth = 3', /:1: auth: expected a table, not the number 3/, /write \[auth\]/],
  [
    'listeners that are a list of numbers',
    '[listen]\nc2s = [1]',
    /:2: listen\.c2s: expected tables/,
    /write \[\[listen\.c2s\]\]/,
  ],
  ['no listeners', '[listen]\nc2s = []', /:2: listen\.c2s: there is no listener/, /remove/],
  ['no hosts', '[general]\nhosts = []', /:2: general\.hosts: the list is empty/, /name at least one/],
  ['a host that is none', '[general]\nhosts = ["a b"]', /:2: .*"a b" is not a domain/, /^$/],
  ['a host twice', '[general]\nhosts = ["a.example", "A.example"]', /"a\.example" is there twice/, /^$/],
  [
    'certificates of a host that is not served',
    '[[host_config]]\nhost="x"\ncertfile="c"\nkeyfile="k"',
    /:2: host_config\[0\]\.host: x is not served/,
    /general/,
  ],
  [
    'a certificate without a key',
    `${LISTENER}tls.certfile = "x"`,
    /:3: .*certfile: keyfile is missing/,
    /name the file/,
  ],
  [
    'a key without a certificate',
    `${LISTENER}tls.keyfile = "x"`,
    /:3: .*keyfile: certfile is missing/,
    /name the file/,
  ],
  [
    'the same port twice',
    `${LISTENER}${LISTENER}`,
    /:4: listen\.c2s\[1\]\.port: 127\.0\.0\.1 port 5222 is taken by listen\.c2s\[0\]/,
    /another/,
  ],
  [
    'CRLs without certificates',
    `${LISTENER}tls.verify_mode = "none"\ntls.crl_files = ["x"]`,
    /:3: .*no certificate is asked for/,
    /peer/,
  ],
  [
    'mechanisms that no method has',
    '[auth]\nsasl_mechanisms = ["scram"]',
    /:2: auth\.sasl_mechanisms: nobody can log in: none of them is for pki/,
    /"external"/,
  ],
  [
    'SCRAM for a hash that no keys are kept for',
    '[auth]\nmethods = ["rdbms"]\nsasl_mechanisms = ["scram_sha1"]\npassword.hash = ["sha256"]',
    /:3: auth\.sasl_mechanisms: nobody can log in/,
    /"scram"/,
  ],
  [
    'accounts that are required and not there',
    '[auth.pki]\nrequire_account = true',
    /:2: auth\.pki\.require_account: there are no accounts/,
    /"rdbms"/,
  ],
  ['registration without accounts', '[auth]\nregistration = true', /:2: auth\.registration: .*nowhere/, /"rdbms"/],
  [
    'registration beside certificates',
    '[auth]\nmethods = ["rdbms", "pki"]\nregistration = true',
    /:3: auth\.registration: a stranger could register the name in a certificate/,
    /require_account/,
  ],
  [
    'a listener for a method that is off',
    `${LISTENER}allowed_auth_methods = ["rdbms"]`,
    /:3: listen\.c2s\[0\]\.allowed_auth_methods: rdbms is not among methods/,
    /add it/,
  ],
  ['RSA keys that anybody can break', '[auth.pki]\nmin_rsa_bits = 1023', /:2: .*1023 is out of bounds: 1024 to/, /^$/],
  [
    'a number of rounds below RFC 5802',
    '[auth]\npassword.scram_iterations = 4095',
    /:2: .*4095 is out of bounds: 4096 to/,
    /^$/,
  ],
  ['a limit that is a word', '[auth]\nmax_users_per_domain = "many"', /:2: .*expected a whole number/, /^$/],
  [
    'a control character',
    '[auth]\nsasl_external_common_name.prefix = "a\\u0000"',
    /:2: .*is not a text in one line/,
    /^$/,
  ],
]

describe('an error', () => {
  it.each(ERRORS)('about %s names file, line, key and fix', (_, document, printed, fix) => {
    const { problems, configuration } = check(document)
    expect(configuration).toBeUndefined()
    const [first] = problems.filter(({ severity }) => severity === 'error')
    expect(describeProblem(first!, FILE)).toMatch(printed)
    expect(describeProblem(first!, FILE)).toContain(FILE)
    expect(first?.fix ?? '').toMatch(fix)
  })

  it('does not hide the others', () => {
    const { problems } = check('[auth]\nfoo = 1\nmethods = ["x"]\n[general]\nloglevel = 7\n[[listen.c2s]]\n')
    expect(problems.map(({ key }) => key)).toEqual([
      'auth.foo',
      'auth.methods',
      'general.loglevel',
      'listen.c2s[0].port',
    ])
  })

  it('of TOML names line and column', () => {
    expect(() => check('[auth]\nmethods = [pki]')).toThrow(/^\/etc\/xmppki\.toml:2:12: /)
  })
})

describe('passwords', () => {
  it('need no certificate', () => {
    const { problems } = check(`${LISTENER}tls.verify_mode = "none"\n[auth]\nmethods = ["rdbms"]`)
    expect(problems).toEqual([])
  })

  it.each(['cyrsasl_scram', 'scram'])('are configured in the words of the guide: %s', (scram) => {
    const { auth } = good(`[auth]\nmethods = ["odbc", "pki"]\nsasl_mechanisms = ["${scram}", "cyrsasl_external"]`)
    expect(auth).toMatchObject({ methods: ['rdbms', 'pki'], sasl_mechanisms: ['scram', 'external'] })
  })

  it('have hashes in the words of MongooseIM', () => {
    const { auth } = good('[auth.password]\nhash = ["sha", "sha256", "sha-512"]')
    expect(auth.password).toEqual({ hash: ['sha-1', 'sha-256', 'sha-512'], scram_iterations: 10_000 })
  })
})

describe('a warning', () => {
  it('does not ask for what is there', () => {
    const { problems } = check('[auth]\nmethods = ["rdbms", "pki"]\nregistration = true\npki.require_account = true')
    expect(problems).toMatchObject([
      { severity: 'warning', key: 'auth.registration', fix: expect.stringContaining('before the certificate') },
    ])
  })

  it.each([
    ['nobody can log in', `${LISTENER}tls.verify_mode = "none"`, 'listen.c2s[0].tls.verify_mode'],
    [
      'everybody can log in as anybody',
      `${LISTENER}tls.verify_mode = "selfsigned_peer"`,
      'listen.c2s[0].tls.verify_mode',
    ],
    [
      'no mechanism is left for passwords',
      '[auth]\nmethods = ["pki", "rdbms"]\nsasl_mechanisms = ["external"]',
      'auth.sasl_mechanisms',
    ],
    [
      'no mechanism is left for certificates',
      '[auth]\nmethods = ["pki", "rdbms"]\nsasl_mechanisms = ["scram"]',
      'auth.sasl_mechanisms',
    ],
    [
      'names in certificates can be registered',
      '[auth]\nmethods = ["pki", "rdbms"]\nregistration = true\npki.require_account = true',
      'auth.registration',
    ],
    ['RSA keys are short', '[auth.pki]\nmin_rsa_bits = 1024', 'auth.pki.min_rsa_bits'],
    [
      'nobody can log in at a listener',
      `${LISTENER}tls.verify_mode = "none"\nallowed_auth_methods = "pki"\n[auth]\nmethods = ["pki", "rdbms"]`,
      'listen.c2s[0].tls.verify_mode',
    ],
    ['no CRL for hard failure', `${LISTENER}tls.crl_mode = "hard"\ntls.cacertfile = "x"`, 'listen.c2s[0].tls.crl_mode'],
  ])('is given when %s', (_, document, key) => {
    const { problems, configuration } = check(document)
    expect(problems).toMatchObject([{ severity: 'warning', key }])
    expect(configuration).toBeDefined()
  })
})

describe('the command line', () => {
  const flag = (name: string) => ({ from: 'flag', name }) as const
  const port = (value: number): Override => ({ path: ['port'], listeners: 'starttls', value, origin: flag('--port') })

  it('wins over the file, in every listener that is meant', () => {
    const host: Override = { path: ['ip_address'], listeners: 'all', value: '::', origin: flag('--host') }
    const { listen } = good('[[listen.c2s]]\nport=1\n[[listen.c2s]]\nport=2\ntls.mode="tls"\nip_address="::1"', [
      host,
      port(7),
    ])
    expect(listen.c2s.map(({ port, ip_address }) => [ip_address, port])).toEqual([
      ['::', 7],
      ['::', 2],
    ])
  })

  it('cannot give one port to two listeners, but port 0', () => {
    const two = '[[listen.c2s]]\nport=1\n[[listen.c2s]]\nport=2'
    const { problems } = check(two, [port(7)])
    expect(describeProblem(problems[0]!, FILE)).toBe(
      '--port: listen.c2s: there are 2 listeners with STARTTLS in the file',
    )
    expect(good(two, [port(0)]).listen.c2s.map(({ port }) => port)).toEqual([0, 0])
  })

  it('cannot change a listener that is not there', () => {
    const { problems } = check('[listen.c2s]\nport=1\ntls.mode="tls"', [port(7)])
    expect(describeProblem(problems[0]!, FILE)).toBe(
      '--port: listen.c2s: there is no listener with STARTTLS in the file',
    )
  })

  it('is named when its value is wrong', () => {
    const { problems } = check('', [
      { path: ['ip_address'], listeners: 'all', value: 'a b', origin: { from: 'environment', name: 'XMPPKI_HOST' } },
    ])
    expect(describeProblem(problems[0]!, FILE)).toBe('XMPPKI_HOST: listen.c2s[0].ip_address: "a b" is not an address')
  })

  it('does not stumble over a document that is wrong', () => {
    for (const document of [
      'listen = 1',
      'listen.c2s = 1',
      'listen.c2s = [1]',
      'auth = 2',
      '[listen.c2s]\nport=1\ntls=1',
    ]) {
      const mode: Override = { path: ['tls', 'mode'], listeners: 'all', value: 'tls', origin: flag('--x') }
      const prefix = ['auth', 'sasl_external_common_name', 'prefix']
      const { configuration } = check(document, [mode, { path: prefix, value: '', origin: flag('--y') }])
      expect(configuration, document).toBeUndefined()
    }
  })
})

describe('the file', () => {
  const home = mkdtempSync(join(tmpdir(), 'xmppki-config-'))
  afterAll(() => rmSync(home, { recursive: true }))
  const source = { file: undefined, home, overrides: [], defaultHost: 'localhost' }
  const silent = () => undefined

  it('with warnings can be used, and says them with file and line', () => {
    const file = join(home, 'warning.toml')
    writeFileSync(file, '[auth]\nsasl_external = ["auth_id"]')
    const warnings: string[] = []
    const { auth } = loadConfiguration({ ...source, file }, (text) => warnings.push(text))
    expect(auth.sasl_external).toEqual(['auth_id'])
    expect(warnings).toEqual([`${file}:2: auth.sasl_external: "auth_id" lets every certificate log in as any user`])
  })

  it('is xmppki.toml in the folder of the workspace, if it is there', () => {
    expect(readConfiguration(source).file).toBeUndefined()
    writeFileSync(join(home, 'xmppki.toml'), '[general]\nhosts = ["from.file"]')
    expect(loadConfiguration(source, silent).general.hosts).toEqual(['from.file'])
    writeFileSync(join(home, 'other.toml'), '[general]\nhosts = ["from.other"]')
    expect(loadConfiguration({ ...source, file: join(home, 'other.toml') }, silent).general.hosts).toEqual([
      'from.other',
    ])
  })

  it.each([
    ['is missing', 'nowhere.toml', undefined, 'NOT_FOUND'],
    ['is not UTF-8', 'latin1.toml', Buffer.from('# \xe4', 'latin1'), 'BAD_INPUT'],
    ['is far too large', 'large.toml', Buffer.alloc(1_048_577, '#'), 'BAD_INPUT'],
    ['is a folder', '.', undefined, 'IO'],
    ['has errors', 'wrong.toml', '[auth]\nx = 1\ny = 2', 'BAD_INPUT'],
  ])('that %s is an error', (_, name, content, code) => {
    const file = join(home, name)
    if (content !== undefined) writeFileSync(file, content)
    const attempt = () => loadConfiguration({ ...source, file }, silent)
    expect(attempt).toThrow(XmppkiError)
    expect(attempt).toThrow(expect.objectContaining({ code }))
  })

  it('with several errors says how many, and how to see them', () => {
    writeFileSync(join(home, 'wrong.toml'), '[auth]\nx = 1\ny = 2')
    expect(() => loadConfiguration({ ...source, file: join(home, 'wrong.toml') }, silent)).toThrow(
      /wrong\.toml:2: auth\.x: there is no such key \(and 1 more: run xmppki config check\)$/,
    )
  })
})

/** Numerical Recipes' generator: the same mutations in every run. */
function numbersFrom(seed: number): (most: number) => number {
  let state = seed
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * most)
  }
}

const SNIPPETS = ['', '', '', ...'[]"={},.\\#0-\nä\0', "'''", '"""', 'true', '[[listen.c2s]]', '1e999', '"::"']

function mutated(document: string, upTo: (most: number) => number): string {
  const at = upTo(document.length)
  return document.slice(0, at) + SNIPPETS[upTo(SNIPPETS.length)] + document.slice(at + upTo(6))
}

/** What comes of a document; anything but these is thrown. */
function verdictOn(document: string): 'configuration' | 'problems' | 'error' {
  try {
    const { configuration, problems } = check(document)
    const isGood = problems.every(({ severity }) => severity === 'warning')
    expect(configuration !== undefined).toBe(isGood)
    return isGood ? 'configuration' : 'problems'
  } catch (error) {
    if (error instanceof XmppkiError) return 'error'
    throw new Error(`on ${JSON.stringify(document)}`, { cause: error })
  }
}

describe('a mutated configuration', () => {
  it('is an error or a configuration, never a crash', () => {
    const upTo = numbersFrom(20_250_101)
    const seen = { configuration: 0, problems: 0, error: 0 }
    for (let round = 0; round < 1_000; round++) {
      const once = mutated(COMPLETE, upTo)
      seen[verdictOn(upTo(2) === 0 ? once : mutated(once, upTo))]++
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20)
  })
})
