import { chmodSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { CliHome } from '../../support/processes/cli.ts'

const home = new CliHome()
const ca = new OpensslCa()
afterAll(() => {
  home.remove()
  ca.remove()
})

const write = (name: string, lines: readonly string[]) => writeFileSync(home.path(name), `${lines.join('\n')}\n`)
const runCheck = (...args: string[]) => home.run(['config', 'check', ...args])

describe('config check', () => {
  beforeAll(() => {
    write('wrong.toml', [
      '[general]',
      'hosts = ["example.org"]',
      'logelvel = "debug"',
      '',
      '[[listen.c2s]]',
      'port = 99999',
      '  [listen.c2s.tls]',
      '  mode = "start_tls"',
      '  keyfile = "server.key"',
    ])
  })

  it('reports every error with file, line, key and fix', async () => {
    const { code, stdout, stderr } = await runCheck('wrong.toml')
    const file = home.path('wrong.toml')
    expect(stdout.split('\n')).toEqual([
      `error: ${file}:3: general.logelvel: there is no such key; did you mean loglevel?`,
      `error: ${file}:6: listen.c2s[0].port: 99999 is out of bounds: 0 to 65535`,
      `error: ${file}:8: listen.c2s[0].tls.mode: "start_tls" is not one of starttls, starttls_required, tls; did you mean "starttls"?`,
      `error: ${file}:9: listen.c2s[0].tls.keyfile: there is no file ${home.path('server.key')}; correct the name; a relative one counts from the folder of the configuration`,
      '',
    ])
    expect(stderr).toBe(`error: ${file} has 4 errors\n`)
    expect(code).toBe(2)
  })

  it('reports the same as JSON', async () => {
    const { code, stdout, stderr } = await runCheck('wrong.toml', '--json')
    const { file, valid, problems } = JSON.parse(stdout)
    expect({ file, valid, code, stderr }).toEqual({ file: home.path('wrong.toml'), valid: false, code: 2, stderr: '' })
    expect(problems).toContainEqual({
      severity: 'error',
      key: 'general.logelvel',
      line: 3,
      message: 'there is no such key',
      fix: 'did you mean loglevel?',
    })
  })

  it('does not let strangers register what a CA outside of the workspace certifies, nor does serve', async () => {
    write('partner.crt', [ca.credentials.cert])
    const auth = ['[auth]', 'methods = ["pki", "rdbms"]', 'pki.require_account = true', 'registration = true']
    write('open.toml', ['[general]', 'hosts = ["example.org"]', ...auth, '[[listen.c2s]]', 'port = 0'])
    expect((await runCheck('open.toml')).code).toBe(0)
    const partner = ['[[listen.c2s]]', 'port = 0', 'tls.cacertfile = "partner.crt"']
    write('open.toml', ['[general]', 'hosts = ["example.org"]', ...auth, ...partner])
    const message = 'strangers could register names that CN=Test CA certifies at example.org'
    const checked = await runCheck('open.toml')
    expect(checked.stdout).toContain(`error: ${home.path('open.toml')}:6: auth.registration: ${message}`)
    expect(checked.code).toBe(2)
    const other = new CliHome()
    await other.run(['ca', 'init', '--domain', 'example.org', '--no-passphrase'])
    const served = await other.run(['serve', '--config', home.path('open.toml')])
    other.remove()
    expect(served.stderr).toContain(`error: ${message}`)
    expect(served.code).toBe(2)
  })

  it('looks at itself when the password of a database stands in it', async () => {
    write('store.toml', ['[store]', 'url = "postgres://xmppki:sesame@db.example.org/accounts"'])
    const file = home.path('store.toml')
    for (const [mode, expected] of [
      [0o644, `error: ${file}:2: store.url: everybody on this machine can use ${file} (mode 0644); chmod 600 ${file}`],
      [0o600, `${file} can be used`],
    ] as const) {
      chmodSync(file, mode)
      const { stdout } = await runCheck('store.toml')
      expect(stdout.split('\n')[0]).toBe(expected)
    }
  })

  it('looks into the file with the URL of a database, and repeats nothing of it', async () => {
    write('url', ['postgres://xmppki:sesame@db.example.org'])
    write('store.toml', ['[store]', 'url_file = "url"'])
    chmodSync(home.path('url'), 0o600)
    const { code, stdout } = await runCheck('store.toml')
    expect(code).toBe(2)
    expect(stdout).toMatch(
      /^error: .*store.toml:2: store.url_file: .*\/url: .*names no database; write it as postgres:/,
    )
    expect(stdout).not.toContain('sesame')
  })

  it('looks at the files that are named: private keys are for their owner alone', async () => {
    write('files.toml', ['[listen.c2s]', 'port = 5222', 'tls.certfile = "s.crt"', 'tls.keyfile = "s.key"'])
    const { key: privateKey, cert } = ca.issue({ subject: '/CN=localhost', dnsNames: ['localhost'] })
    write('s.crt', [cert])
    write('s.key', [privateKey])
    const key = home.path('s.key')
    for (const [mode, expected] of [
      [0o644, `error: ${home.path('files.toml')}:4: listen.c2s.tls.keyfile: everybody on this machine can use ${key}`],
      [0o640, `warning: ${home.path('files.toml')}:4: listen.c2s.tls.keyfile: a group can use ${key} (mode 0640)`],
      [0o600, `${home.path('files.toml')} can be used`],
    ] as const) {
      chmodSync(key, mode)
      const { code, stdout } = await runCheck('files.toml')
      expect(stdout).toContain(expected)
      expect(stdout.match(/^(error|warning):/gm)?.length ?? 0).toBe(mode === 0o600 ? 0 : 1)
      expect(code).toBe(mode === 0o644 ? 2 : 0)
    }
  })

  it('looks into the files that are named, as serve does', async () => {
    const { key, cert } = ca.issue({ subject: '/CN=a.example', dnsNames: ['a.example'] })
    writeFileSync(home.path('a.key'), key, { mode: 0o600 })
    write('a.crt', [cert])
    const other = ca.issue({ subject: '/CN=b.example' })
    writeFileSync(home.path('b.key'), other.key, { mode: 0o600 })
    write('inside.toml', [
      'general.hosts = ["a.example", "b.example"]',
      '[[host_config]]',
      'host = "b.example"',
      'certfile = "a.crt"',
      'keyfile = "b.key"',
      '[[listen.c2s]]',
      'port = 5222',
      'tls.certfile = "a.crt"',
      'tls.keyfile = "a.key"',
      'tls.cacertfile = ["a.crt"]',
      'tls.ciphers = "NONE-OF-THESE"',
    ])
    const { stdout, code } = await runCheck('inside.toml', '--json')
    const { problems } = JSON.parse(stdout)
    expect(problems.map(({ key: name, line }: { key: string; line: number }) => [name, line])).toEqual([
      ['host_config[0].certfile', 4],
      ['listen.c2s[0].tls.cacertfile', 10],
      ['listen.c2s[0].tls.ciphers', 11],
    ])
    expect(code).toBe(2)
  })

  it('takes the file of XMPPKI_CONFIG', async () => {
    write('good.toml', ['[auth]', 'methods = ["pki"]'])
    const { code, stdout } = await home.run(['config', 'check'], { env: { XMPPKI_CONFIG: 'good.toml' } })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${home.path('good.toml')} can be used\n` })
  })

  it.each([
    ['that is not there', ['nowhere.toml'], 4, 'there is no file'],
    ['that nobody named', [], 4, 'there is no xmppki.toml in'],
    ['that is not TOML', ['s.txt'], 2, 's.txt:1:6: '],
  ])('refuses a file %s', async (_, args, exitCode, message) => {
    write('s.txt', ['Dear server'])
    const { code, stderr } = await runCheck(...args)
    expect(stderr).toContain(message)
    expect(code).toBe(exitCode)
  })
})
