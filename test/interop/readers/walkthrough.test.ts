import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { walkThrough } from '../../support/documents/walkthrough.ts'
import { CliHome } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'
import { program } from '../program.ts'

const SECRETS = { XMPPKI_KEY_PASSPHRASE: 'secret', XMPPKI_CA_PASSPHRASE: 'new secret' }

describe('the openssl walkthrough, continued with xmppki', () => {
  const cli = new CliHome()
  beforeAll(() => walkThrough(cli.folder, 4096))
  afterAll(() => cli.remove())

  const run = (...args: string[]) => cli.run(args, { env: SECRETS })
  const openssl = (...args: string[]) => program('openssl', args, { cwd: cli.folder })
  const serialOf = (file: string) =>
    /^serial=(\w+)/.exec(openssl('x509', '-in', file, '-noout', '-serial').stdout)?.[1]?.toLowerCase() ?? ''
  const credentials = (certificate: string, key: string) => {
    return { cert: readFileSync(cli.path(certificate), 'utf8'), key: readFileSync(cli.path(key), 'utf8') }
  }
  const renewed = () => credentials('home/clients/localhost/alice/alice.crt', 'home/clients/localhost/alice/alice.key')

  /** Whether a client with these gets in at `serve`; what the log says about those that do not. */
  async function logIn(serve: ServeProcess, presented: ReturnType<typeof credentials>): Promise<string> {
    const { port } = await serve.listening()
    const client = await RawClient.secured({ port, credentials: presented })
    client.send(external())
    const answer = await client.receive(/<(success|failure)[^>]*>/)
    client.destroy()
    return String(answer).includes('<success') ? 'in' : 'refused'
  }

  it('imports the CA with its -des3 key, and knows the certificate that lies beside it', async () => {
    const files = readdirSync(cli.folder).sort()
    const result = await run('ca', 'import', 'rootCA.crt', 'rootCA.key', '--issued', '.')
    expect(result.code, result.stderr).toBe(0)
    expect(result.stdout).toContain('  ledger       1 certificate, 0 of them revoked\n')
    expect(result.stdout).toContain('(encrypted), rsa:4096')
    const [listed] = JSON.parse((await run('client', 'list', '--json')).stdout).clients
    expect(listed).toMatchObject({ jid: 'alice@localhost', state: 'valid', serial: serialOf('client.crt') })
    expect(readdirSync(cli.folder).sort()).toEqual([...files, 'home'].sort())
  })

  it('renews the certificate that the walkthrough made, for the same key and with names', async () => {
    const before = readdirSync(cli.folder).sort()
    const result = await run('client', 'renew', 'alice')
    expect(result.code, result.stderr).toBe(0)
    const certificate = join(cli.home, 'clients/localhost/alice/alice.crt')
    const text = openssl('x509', '-in', certificate, '-noout', '-text').stdout
    expect(text).toContain('Version: 3 (0x2)')
    expect(text).toMatch(/othername: XmppAddr::alice@localhost/)
    const key = (file: string) => openssl('x509', '-in', file, '-noout', '-pubkey').stdout
    expect(key(certificate)).toBe(key('client.crt'))
    const verify = openssl('verify', '-purpose', 'sslclient', '-CAfile', 'rootCA.crt', certificate)
    expect(verify.output).toBe(`${certificate}: OK\n`)
    expect(readdirSync(cli.folder).sort()).toEqual(before)
  })

  it('lets both certificates in, until the old one is revoked', async () => {
    const old = credentials('client.crt', 'client.key')
    const serve = new ServeProcess(['--home', cli.home], SECRETS)
    expect([await logIn(serve, old), await logIn(serve, renewed())]).toEqual(['in', 'in'])
    const revoked = await run('client', 'revoke', '--file', 'client.crt', '--reason', 'superseded')
    expect(revoked.code, revoked.stderr).toBe(0)
    expect([await logIn(serve, old), await logIn(serve, renewed())]).toEqual(['refused', 'in'])
    await serve.logged({ check: 'revoked', serial: serialOf('client.crt'), subject: 'CN=alice' })
    expect(await serve.stop()).toBe(0)
    const crl = openssl('crl', '-in', join(cli.home, 'ca/root.crl'), '-noout', '-text').stdout
    expect(crl.toLowerCase()).toContain(serialOf('client.crt'))
  })

  it('goes on without the files of the walkthrough', async () => {
    mkdirSync(cli.path('attic'))
    for (const name of readdirSync(cli.folder)) {
      if (/^(client|rootCA)\./.test(name)) renameSync(cli.path(name), cli.path('attic', name))
    }
    const result = await run('client', 'renew', 'alice', '--rekey')
    expect(result.code, result.stderr).toBe(0)
    expect(existsSync(cli.path('rootCA.key'))).toBe(false)
    const serve = new ServeProcess(['--home', cli.home], SECRETS)
    expect(await logIn(serve, renewed())).toBe('in')
    expect(await serve.stop()).toBe(0)
  })
})
