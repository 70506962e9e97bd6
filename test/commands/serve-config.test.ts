import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OpensslCa } from '../support/certificates/certificates.ts'
import { issuedCredentials } from '../support/certificates/issued-credentials.ts'
import { CliHome } from '../support/processes/cli.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

const home = new CliHome()
const elsewhere = new OpensslCa('A Public CA')

beforeAll(async () => {
  await home.run(['ca', 'init', '--no-passphrase', '--domain', 'one.example'])
  await home.run(['client', 'issue', 'alice'])
  for (const domain of ['two.example', 'three.example']) {
    const { key, cert } = elsewhere.issue({
      subject: `/CN=${domain}`,
      dnsNames: [domain],
      extendedKeyUsage: 'serverAuth',
    })
    writeFileSync(home.path(`${domain}.key`), key, { mode: 0o600 })
    writeFileSync(home.path(`${domain}.crt`), cert)
  }
})
afterAll(() => {
  home.remove()
  elsewhere.remove()
})

function write(name: string, text: string): string {
  writeFileSync(home.path(name), text)
  return home.path(name)
}

const alice = () => issuedCredentials(home.home, 'alice', 'one.example')

/** The Common Name of the certificate that a client sees. */
async function certificateAt(port: number, servername: string, maxVersion: SecureVersion = 'TLSv1.3'): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', servername, maxVersion, rejectUnauthorized: false })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

describe('serve with a configuration', () => {
  it('opens every listener, each with its certificates: of the domain, of the listener, of the workspace', async () => {
    const file = write(
      'listeners.toml',
      `[general]
hosts = ["one.example", "two.example", "three.example"]
[[host_config]]
host = "two.example"
certfile = "two.example.crt"
keyfile = "two.example.key"
[[listen.c2s]]
port = 0
[[listen.c2s]]
port = 0
tls = { mode = "tls" }
[[listen.c2s]]
port = 0
tls = { mode = "tls", certfile = "three.example.crt", keyfile = "three.example.key" }
[listen.http]
port = 0
`,
    )
    const serve = new ServeProcess(['--home', home.home, '--config', file])
    const { listeners, port, tlsPort, httpPort } = await serve.listening()
    expect(listeners.map(({ mode }) => mode)).toEqual(['starttls', 'tls', 'tls'])
    const [first = 0, second = 0, third = 0] = listeners.map((listener) => listener.port)
    expect({ port, tlsPort }).toEqual({ port: first, tlsPort: second })
    expect(new Set([0, first, second, third, httpPort]).size).toBe(5)
    const names = ['one.example', 'two.example', 'three.example']
    expect(await Promise.all(names.map((name) => certificateAt(second, name)))).toEqual(names)
    expect(await Promise.all(names.map((name) => certificateAt(third, name)))).toEqual([
      'three.example',
      'two.example',
      'three.example',
    ])
    // The file for three.example is used for one.example as well, where it does not belong: worth a word.
    const remark = `the certificate in ${home.path('three.example.crt')} is not for one.example`
    await serve.until(() => serve.stderr.includes(remark))
    const client = await RawClient.online({ port, domain: 'one.example', credentials: alice() })
    client.destroy()
    expect(await serve.stop()).toBe(0)
  })

  it('gives every listener its own rules', async () => {
    const file = write(
      'rules.toml',
      `[general]
hosts = ["one.example"]
[[listen.c2s]]
port = 0
tls = { mode = "starttls", verify_mode = "none" }
[[listen.c2s]]
port = 0
max_stanza_size = 10000
[[listen.c2s]]
port = 0
state_timeout = 3000
tls = { mode = "tls", versions = ["tlsv1.3"] }
[[listen.c2s]]
port = 0
max_connections_per_address = 1
`,
    )
    const serve = new ServeProcess(['--home', home.home, '--config', file])
    const ports = (await serve.listening()).listeners.map(({ port }) => port)
    const [offered = 0, required = 0, direct = 0, narrow = 0] = ports
    const options = { domain: 'one.example', credentials: alice() }
    const featuresAt = async (port: number) => {
      const client = await RawClient.plain({ ...options, port })
      const features = await client.open()
      client.destroy()
      return features
    }
    expect(await featuresAt(offered)).not.toContain('<required/>')
    expect(await featuresAt(required)).toContain('<required/>')
    // Not asked for a certificate, she cannot show it.
    const unasked = await RawClient.secured({ ...options, port: offered })
    unasked.send(external())
    await unasked.receive(/<failure[^>]*><not-authorized\/>/)
    unasked.destroy()
    const talkative = await RawClient.online({ ...options, port: required })
    talkative.send(`<message to='bob@one.example'><body>${'x'.repeat(10_000)}</body></message>`)
    expect(await talkative.ended()).toContain('<policy-violation')
    await expect(certificateAt(direct, 'one.example', 'TLSv1.2')).rejects.toThrow(/protocol version/)
    const slow = await RawClient.direct({ ...options, port: direct })
    expect(await slow.ended()).toContain('<connection-timeout')
    const only = await RawClient.plain({ ...options, port: narrow })
    expect(await (await RawClient.plain({ ...options, port: narrow })).ended()).toBe('')
    only.destroy()
    await serve.logged({ limit: 'max_connections_per_address' })
    await serve.stop()
  })

  it('reads a client later that sends more than its listener allows, and cuts nobody off', async () => {
    const file = write(
      'rates.toml',
      '[general]\nhosts = ["one.example"]\n[[listen.c2s]]\nport = 0\nmax_stanzas_per_second = 1\nburst_seconds = 1\n',
    )
    const serve = new ServeProcess(['--home', home.home, '--config', file])
    const { port } = await serve.listening()
    const client = await RawClient.online({ port, domain: 'one.example', credentials: alice() })
    const ping = (id: number) => `<iq type='get' id='p${id}'><ping xmlns='urn:xmpp:ping'/></iq>`
    const began = performance.now()
    client.send([1, 2, 3, 4].map(ping).join(''))
    await client.receive(/<iq [^>]*id="p4"/)
    client.send(ping(5))
    await client.receive(/<iq [^>]*id="p5"/)
    // Four stanzas are four seconds, one of them given in advance; a slow machine takes longer.
    expect(performance.now() - began).toBeGreaterThan(2_900)
    client.destroy()
    expect(await serve.stop()).toBe(0)
  })

  it('takes xmppki.toml in the folder of the workspace, and flags win over it', async () => {
    writeFileSync(
      join(home.home, 'xmppki.toml'),
      '[auth]\nsasl_external = ["common_name"]\n[listen.c2s]\nport = 1\n[general]\nloglevel = "debug"\n',
    )
    const serve = new ServeProcess(['--home', home.home, '--log-level', 'info'])
    const { listeners, port, tlsPort } = await serve.listening()
    expect(listeners).toEqual([{ mode: 'starttls', host: '127.0.0.1', port }])
    expect(port).not.toBe(1)
    expect(tlsPort).toBeNull()
    // Her certificate has an xmppAddr, so its Common Name does not count.
    const client = await RawClient.secured({ port, domain: 'one.example', credentials: alice() })
    client.send(external())
    await client.receive(/<failure[^>]*><not-authorized\/>/)
    client.destroy()
    await serve.stop()
  })

  it.each([
    [
      'is wrong',
      '[auth]\nsasl_externl = []',
      /wrong\.toml:2: auth\.sasl_externl: there is no such key\nhint: +did you mean/,
      2,
    ],
    [
      'names a key of another certificate',
      '[listen.c2s]\nport=0\ntls={certfile="two.example.crt",keyfile="three.example.key"}',
      /three\.example\.key is not that of the certificate in/,
      2,
    ],
    [
      'names a certificate that is not there',
      '[listen.c2s]\nport=0\ntls={certfile="x.crt",keyfile="x.key"}',
      /there is no file .*x\.crt/,
      4,
    ],
    [
      'names a key that is none',
      '[listen.c2s]\nport=0\ntls={certfile="two.example.crt",keyfile="two.example.crt"}',
      /two\.example\.crt holds no private key/,
      2,
    ],
    [
      'names ciphers that are none',
      '[listen.c2s]\nport=0\ntls={ciphers="NONE"}',
      /OpenSSL cannot use the ciphers "NONE"/,
      2,
    ],
  ])('does not start when it %s', async (_, text, message, exitCode) => {
    const file = write('wrong.toml', text)
    const { code, stderr } = await home.run(['serve', '--port', '0', '--config', file])
    expect(stderr).toMatch(message)
    expect(code).toBe(exitCode)
  })
})
