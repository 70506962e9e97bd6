import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../../config/mongooseim/fixtures/${name}`, import.meta.url))

describe('config import', () => {
  const cli = new CliHome()
  const runImport = (...args: string[]) => cli.run(['config', 'import', ...args])
  afterAll(() => cli.remove())

  /** A configuration, and the files that it names. */
  beforeAll(async () => {
    copyFileSync(fixture('guide-certificate-or-password.cfg'), cli.path('mongooseim.cfg'))
    await cli.run(['ca', 'init', '--domain', 'example.org', '--no-passphrase'])
    const server = await cli.run(['server', 'issue', 'example.org', '--json'])
    const lists = await cli.run(['ca', 'crl', '--json'])
    const { files } = JSON.parse(server.stdout)
    copyFileSync(files.chain, cli.path('cert.pem'))
    copyFileSync(files.key, cli.path('key.pem'))
    copyFileSync(join(cli.home, 'ca', 'root.crt'), cli.path('ca.pem'))
    copyFileSync(JSON.parse(lists.stdout).files[0], cli.path('ca.crl'))
  })

  it('prints the configuration on stdout, and what is left out on stderr', async () => {
    const { code, stdout, stderr } = await runImport('mongooseim.cfg')
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      '# From the configuration of MongooseIM in "mongooseim.cfg".',
      '',
      '[[listen.c2s]]',
      'port = 5222',
      'ip_address = "0.0.0.0"',
      'tls.mode = "starttls"',
      'tls.verify_mode = "peer"',
      'tls.disconnect_on_failure = true',
      'tls.cacertfile = ["/path/to/ca.pem"]',
      '',
      '[auth]',
      'methods = ["rdbms", "pki"]',
      'sasl_mechanisms = ["external", "scram"]',
      'sasl_external = ["xmpp_addr", "common_name"]',
      '',
    ])
    expect(stderr).toMatch(/^different: accounts: are not in the configuration/m)
    expect(stderr).toMatch(/^different: cyrsasl_external: is not set: the Common Name counts/m)
  })

  it('reads standard input, and says the same in JSON', async () => {
    const text = readFileSync(fixture('guide-certificate.cfg'), 'utf8')
    const { code, stdout } = await cli.run(['config', 'import', '-', '--json'], { stdin: text })
    const result = JSON.parse(stdout)
    expect({ code, file: result.file, out: result.out }).toEqual({ code: 0, file: '-', out: null })
    expect(result.toml).toContain('tls.cacertfile = ["/path/to/ca.pem"]')
    expect(result.remarks).toContainEqual({
      kind: 'different',
      option: 'hosts',
      reason: 'none is named: the domain of the workspace is served',
    })
  })

  it('writes a file that config check accepts, and never over another', async () => {
    const text = readFileSync(fixture('two-listeners.toml'), 'utf8').replaceAll('/etc/xmpp/', '')
    writeFileSync(cli.path('mongooseim.toml'), text)
    const made = await runImport('mongooseim.toml', '--out', 'xmppki.toml')
    expect(made).toMatchObject({ code: 0, stdout: `wrote ${cli.path('xmppki.toml')}\n` })
    expect(made.stderr).not.toContain('well-kept')
    const before = readFileSync(cli.path('xmppki.toml'), 'utf8')
    expect(statSync(cli.path('xmppki.toml')).mode & 0o777).toBe(0o644)
    const [checked, again] = await Promise.all([
      cli.run(['config', 'check', 'xmppki.toml']),
      runImport('mongooseim.cfg', '--out', 'xmppki.toml'),
    ])
    expect(checked.stdout + checked.stderr).not.toMatch(/^error/m)
    expect(checked.code).toBe(0)
    expect(again).toMatchObject({ code: 3, stdout: '' })
    expect(again.stderr).toContain(`error: ${cli.path('xmppki.toml')} is already there`)
    expect(readFileSync(cli.path('xmppki.toml'), 'utf8')).toBe(before)
  })

  it('takes certificate and key from one file, as a cfg has them', async () => {
    const both = ['cert.pem', 'key.pem'].map((name) => readFileSync(cli.path(name), 'utf8')).join('')
    writeFileSync(cli.path('server.pem'), both, { mode: 0o600 })
    const options = 'verify_peer, {cafile, "ca.pem"}, {certfile, "server.pem"}'
    const text = `{hosts, ["example.org"]}. {auth_method, pki}. {sasl_mechanisms, [cyrsasl_external]}.
      {listen, [{5222, ejabberd_c2s, [${options}]}]}.`
    const made = await cli.run(['config', 'import', '-', '--out', 'one.toml'], { stdin: text })
    expect(made.code).toBe(0)
    const checked = await cli.run(['config', 'check', 'one.toml'])
    expect({ ...checked, stdout: '' }).toMatchObject({ code: 0, stderr: '' })
  })

  it('tells exit codes apart, and names file, line and column', async () => {
    writeFileSync(
      cli.path('broken.cfg'),
      '{hosts, ["example.org"]}.\n{listen, [\n  {5222, ejabberd_c2s, [Opts]}\n]}.\n',
    )
    writeFileSync(cli.path('latin.cfg'), Buffer.from('%% caf\u00e9\n{hosts, []}.\n', 'latin1'))
    const [broken, latin, missing, none] = await Promise.all([
      runImport('broken.cfg'),
      runImport('latin.cfg'),
      runImport('missing.cfg'),
      runImport(),
    ])
    expect([broken, latin, missing, none].map(({ code }) => code)).toEqual([2, 2, 4, 2])
    expect(broken?.stderr).toContain('error: broken.cfg:3:25: Opts is a variable')
    expect(latin?.stderr).toContain('error: latin.cfg is not UTF-8')
  })
})
