import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../../support/processes/cli.ts'
import { ServeProcess } from '../../../support/processes/serve.ts'
import { RawClient } from '../../../support/streams/xmpp-client.ts'
import { openssl } from '../../client/workspace-checks.ts'

let cli: CliHome
beforeAll(() => {
  cli = new CliHome()
})
afterAll(() => cli.remove())

const rootKey = () => join(cli.home, 'ca', 'root.key')
const issuingPassphrase = { env: { XMPPKI_CA_PASSPHRASE: 'open below' } }

describe('ca issuing init', () => {
  it('needs a root', async () => {
    const { code, stderr } = await cli.run(['ca', 'issuing', 'init', '--no-passphrase'])
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('xmppki ca init') })
  })

  it('has a passphrase of its own, and says where the key of the root is', async () => {
    await cli.run(['ca', 'init', '--passphrase-file', '-'], { stdin: 'open above\n' })
    writeFileSync(cli.path('below'), 'open below\n', { mode: 0o600 })
    const args = ['ca', 'issuing', 'init', '--issuing-passphrase-file', 'below']
    const wrong = await cli.run(args, { env: { XMPPKI_CA_PASSPHRASE: 'wrong' } })
    expect({ code: wrong.code, made: existsSync(join(cli.home, 'ca', 'issuing')) }).toEqual({ code: 5, made: false })
    const { code, stdout, stderr } = await cli.run(args, { env: { XMPPKI_CA_PASSPHRASE: 'open above' } })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`Next: move the key of the root to a safe place: ${rootKey()}\n`)
  })

  it('then the key of the root may leave: issuing, revoking, CRLs and serve go on', async () => {
    renameSync(rootKey(), cli.path('root.key.on.a.stick'))
    const issue = await cli.run(['client', 'issue', 'alice', 'bob'], issuingPassphrase)
    expect({ code: issue.code, stderr: issue.stderr }).toEqual({ code: 0, stderr: '' })
    const server = await cli.run(['server', 'issue', 'localhost'], issuingPassphrase)
    expect(server.code).toBe(0)
    // Without the passphrase of any CA.
    const serve = new ServeProcess(['--home', cli.home])
    const { port } = await serve.listening()
    const folder = join(cli.home, 'clients', 'localhost', 'alice')
    const [key, cert] = ['alice.key', 'alice.crt'].map((name) => readFileSync(join(folder, name), 'utf8'))
    const alice = await RawClient.online({ port, credentials: { key: `${key}`, cert: `${cert}` } })
    alice.destroy()
    expect(await serve.stop()).toBe(0)
    const revoke = await cli.run(['client', 'revoke', 'bob', '--json'], issuingPassphrase)
    const file = join(cli.home, 'ca', 'issuing', 'issuing.crl')
    expect(JSON.parse(revoke.stdout).crls).toMatchObject([{ file, number: 1 }])
    expect(openssl('crl', '-in', file, '-noout', '-text')).toContain('Serial Number')
  })

  it('ca crl leaves the list of the root as it is', async () => {
    const { code, stdout, stderr } = await cli.run(['ca', 'crl', '--json', '--out', 'both.crl'], issuingPassphrase)
    expect(code).toBe(0)
    expect(stderr).toContain(`${join(cli.home, 'ca', 'root.crl')} stays as it is`)
    expect(JSON.parse(stdout).left).toEqual([join(cli.home, 'ca', 'root.crl')])
    expect(readFileSync(cli.path('both.crl'), 'utf8').match(/BEGIN X509 CRL/g)).toHaveLength(1)
  })

  it('a second one only with --replace', async () => {
    const again = await cli.run(['ca', 'issuing', 'init', '--no-passphrase'])
    expect({ code: again.code, stderr: again.stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining('--replace'),
    })
    expect((await cli.run(['ca', 'issuing', 'init', '--if-missing'])).stdout).toContain('already there')
    renameSync(cli.path('root.key.on.a.stick'), rootKey())
    const args = ['ca', 'issuing', 'init', '--replace', '--no-passphrase', '--cn', 'Second', '--json']
    const { code, stdout } = await cli.run(args, { env: { XMPPKI_CA_PASSPHRASE: 'open above' } })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      created: true,
      subject: 'CN=Second',
      previous: { directory: expect.stringContaining('~') },
    })
  })

  it('a certificate of the CA before is still let in', async () => {
    const { code, stdout } = await cli.run(['cert', 'verify', 'home/clients/localhost/alice/alice.crt'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('valid') })
  })

  it('is revoked by the root, and then what it has issued is not', async () => {
    const env = { XMPPKI_CA_PASSPHRASE: 'open above' }
    await cli.run(['client', 'issue', 'carol'], { env })
    const { code, stdout, stderr } = await cli.run(['ca', 'issuing', 'revoke', '--json'], { env })
    expect(code, stderr).toBe(0)
    const file = join(cli.home, 'ca', 'root.crl')
    expect(JSON.parse(stdout)).toMatchObject({ name: 'Second', reason: 'cACompromise', users: ['carol@localhost'] })
    expect(JSON.parse(stdout).crl.file).toBe(file)
    const verify = await cli.run(['cert', 'verify', 'home/clients/localhost/carol/carol.crt'])
    expect({ code: verify.code, text: verify.stdout }).toEqual({ code: 2, text: expect.stringContaining('chain') })
  })
})
