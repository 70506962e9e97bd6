import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'

let cli: CliHome
beforeAll(async () => {
  cli = new CliHome()
  expect(await cli.run(['ca', 'init', '--no-passphrase', '--domain', 'example.org'])).toMatchObject({ code: 0 })
})
afterAll(() => cli.remove())

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { cwd: cli.folder, encoding: 'utf8', stdio: 'pipe' })

/** Signs, and shows that openssl verifies the result; gives the printed certificate. */
async function sign(file: string, name: string): Promise<{ text: string; stderr: string }> {
  const result = await cli.run(['client', 'sign', file, '--accept-requested-name', '--json'])
  expect(result.code, result.stdout + result.stderr).toBe(0)
  const [signed] = JSON.parse(result.stdout).signed
  expect(signed.jid).toBe(`${name}@example.org`)
  const { certificate } = signed.files
  run(
    'openssl',
    'verify',
    '-x509_strict',
    '-purpose',
    'sslclient',
    '-CAfile',
    join(cli.home, 'ca/root.crt'),
    certificate,
  )
  return { text: run('openssl', 'x509', '-in', certificate, '-noout', '-text'), stderr: result.stderr }
}

describe('client sign', () => {
  it.each([
    ['g-ec', 'ecdsa', []],
    ['g-ed', 'ed25519', []],
    ['g-rsa', 'rsa', ['--bits=2048']],
  ])('signs what GnuTLS certtool asks for: %s, with a key of type %s', async (name, type, bits) => {
    const lines = [`cn = "${name}"`, `xmpp_name = "${name}@example.org"`, 'tls_www_client', 'signing_key', '']
    execFileSync('tee', [cli.path('t.cfg')], { input: lines.join('\n') })
    run('certtool', '--generate-privkey', `--key-type=${type}`, ...bits, '--outfile', `${name}.key`)
    const der = type === 'ecdsa' ? ['--outder'] : []
    run(
      'certtool',
      '--generate-request',
      '--load-privkey',
      `${name}.key`,
      '--template',
      't.cfg',
      '--outfile',
      `${name}.csr`,
      ...der,
    )
    const { text } = await sign(`${name}.csr`, name)
    expect(text).toContain(`XmppAddr::${name}@example.org`)
  })

  it('signs what Java keytool asks for, and says what it did not copy', async () => {
    const store = ['-keystore', 'k.p12', '-storepass', 'changeit', '-alias', 'a']
    run('keytool', '-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', '-dname', 'CN=java, OU=Phones', ...store)
    run('keytool', '-certreq', '-ext', 'san=dns:java.example.org', '-file', 'java.csr', ...store)
    const { text } = await sign('java.csr', 'java')
    expect(text).toMatch(/Subject: CN = java\n/)
    expect(text).not.toContain('DNS:')
    run(
      'keytool',
      '-importcert',
      '-noprompt',
      '-trustcacerts',
      '-file',
      join(cli.home, 'ca/root.crt'),
      ...store.with(-1, 'ca'),
    )
    run('keytool', '-importcert', '-noprompt', '-file', 'java.crt', ...store)
  })
})
