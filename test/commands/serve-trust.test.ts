import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sequence } from '../../src/pki/der/der-writer.ts'
import { encodePem } from '../../src/pki/der/pem.ts'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { oddCrl } from '../support/certificates/odd-crl.ts'
import { CliHome } from '../support/processes/cli.ts'
import { replaceFile } from '../support/processes/replace-file.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

const home = new CliHome()
const foreign = new OpensslCa('Foreign CA')
const named = (name: string) =>
  foreign.issue({ extendedKeyUsage: 'clientAuth', subject: `/CN=${name}`, xmppAddrs: [`${name}@one.example`] })
const bob = named('bob')
const carol = named('carol')
let running: ServeProcess | undefined

beforeAll(async () => {
  await home.run(['ca', 'init', '--no-passphrase', '--domain', 'one.example'])
  writeFileSync(home.path('foreign.crt'), foreign.credentials.cert)
})
afterAll(async () => {
  await running?.stop()
  home.remove()
  foreign.remove()
})

/** As tools do that fetch lists. */
const replace = (name: string, text: string) => replaceFile(home.path(name), text)

const writeCrl = (text: string) => replace('foreign.crl', text)

async function serve(...tls: string[]): Promise<number> {
  await running?.stop()
  const lines = ['[listen.c2s]', 'port = 0', '[listen.c2s.tls]', 'cacertfile = ["foreign.crt"]', ...tls]
  writeFileSync(home.path('trust.toml'), lines.join('\n'))
  running = new ServeProcess(['--home', home.home, '--config', home.path('trust.toml')])
  return (await running.listening()).listeners[0]?.port ?? 0
}

const online = (port: number, credentials: Credentials) =>
  RawClient.online({ port, domain: 'one.example', credentials })

/** Whether EXTERNAL is offered. */
async function isOffered(port: number, credentials: Credentials): Promise<boolean> {
  const client = await RawClient.plain({ port, domain: 'one.example', credentials })
  await client.open()
  await client.startTls()
  const features = await client.open()
  client.destroy()
  return features.includes('EXTERNAL')
}

describe('serve with the CRL of a foreign CA', () => {
  it('reads it again when it has changed, and ends the sessions of what it revokes', async () => {
    writeCrl(foreign.crl())
    const port = await serve('crl_files = ["foreign.crl"]', 'crl_mode = "hard"')
    const [victim, other] = [await online(port, bob), await online(port, carol)]
    writeCrl(foreign.crl({ revoked: [bob] }))
    expect(await victim.ended()).toMatch(/<stream:error><not-authorized /)
    expect(await isOffered(port, bob)).toBe(false)
    expect(await isOffered(port, carol)).toBe(true)
    other.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await other.receive(/<iq [^>]*id="p"/)
    other.destroy()
  })

  it('takes one that stands in the CA file, and reads that again too', async () => {
    try {
      replace('foreign.crt', foreign.credentials.cert + foreign.crl())
      const port = await serve('crl_mode = "hard"')
      const victim = await online(port, bob)
      replace('foreign.crt', foreign.credentials.cert + foreign.crl({ revoked: [bob] }))
      expect(await victim.ended()).toMatch(/<stream:error><not-authorized /)
      expect(await isOffered(port, bob)).toBe(false)
      expect(await isOffered(port, carol)).toBe(true)
    } finally {
      replace('foreign.crt', foreign.credentials.cert)
    }
  })

  const malformed = () => encodePem('X509 CRL', oddCrl(foreign.credentials, { algorithm: sequence() }))
  const forged = () => encodePem('X509 CRL', oddCrl(foreign.credentials, { signature: () => Buffer.alloc(70) }))

  it.each([
    { name: 'malformed', worse: malformed },
    { name: 'badly signed', worse: forged },
    { name: 'cut off', worse: () => foreign.crl().slice(0, 200) },
  ])('holds on to what it said when the file is $name, in the soft mode and after a restart too', async ({ worse }) => {
    writeCrl(foreign.crl({ revoked: [bob] }))
    let port = await serve('crl_files = ["foreign.crl"]')
    expect(await isOffered(port, bob)).toBe(false)
    writeCrl(worse())
    const lines = () => running?.logLines.filter(({ file }) => file === home.path('foreign.crl'))
    await vi.waitFor(() => expect(lines()).toHaveLength(1), { timeout: 20_000 })
    expect(lines()).toMatchObject([{ effect: 'what it said before still holds' }])
    expect([await isOffered(port, bob), await isOffered(port, carol)]).toEqual([false, true])
    port = await serve('crl_files = ["foreign.crl"]')
    expect([await isOffered(port, bob), await isOffered(port, carol)]).toEqual([false, true])
    await running?.stop()
  })

  it('starts with a malformed one and lets in whom it may', async () => {
    // Nothing is held on to for another file.
    replace('another.crl', malformed())
    const port = await serve('crl_files = ["another.crl"]')
    expect(await isOffered(port, carol)).toBe(true)
    await running?.stop()
    expect(running?.logLines.map(({ msg }) => msg)).toContain('a CRL cannot be used')
    expect(running?.stderr).not.toContain('internal')
  })

  it.each([
    { mode: 'soft', offered: true },
    { mode: 'hard', offered: false },
  ])('that is not to be read counts as missing: $mode', async ({ mode, offered }) => {
    replace('rubbish.crl', 'rubbish')
    const port = await serve('crl_files = ["rubbish.crl"]', `crl_mode = "${mode}"`)
    expect(await isOffered(port, bob)).toBe(offered)
    await running?.stop()
    const said = running?.logLines.map(({ msg }) => msg)
    expect(said).toEqual(expect.arrayContaining(['a CRL cannot be read', 'it is not known what a CA has revoked']))
  })
})

describe('serve with verify_mode selfsigned_peer', () => {
  it('lets in whom the certificate names, and warns', async () => {
    const port = await serve('verify_mode = "selfsigned_peer"')
    const self = foreign.selfSigned({ subject: '/CN=dave', xmppAddrs: ['dave@one.example'] })
    const client = await RawClient.secured({ port, domain: 'one.example', credentials: self })
    client.send(external())
    await client.receive(/<success/)
    client.destroy()
    await running?.stop()
    expect(running?.stderr).toContain('everybody can log in as every user')
  })
})
