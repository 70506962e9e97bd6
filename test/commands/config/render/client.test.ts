import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../../support/processes/cli.ts'
import { homeWithCa } from '../../client/workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa('--domain', 'example.org')
  const { code, stderr } = await cli.run(['client', 'issue', 'alice'])
  expect(code, stderr).toBe(0)
})
afterAll(() => cli.remove())

const render = (...args: string[]) => cli.run(['config', 'render', 'client', ...args])
const file = (name: string) => join(cli.home, 'clients', 'example.org', 'alice', name)

describe('config render client', () => {
  it('prints settings with the paths of this user', async () => {
    const { code, stdout, stderr } = await render('poezio', '--user', 'alice', '--format', 'settings')
    expect(code, stderr).toBe(0)
    expect(stdout).toBe(
      [
        '[Poezio]',
        'jid = alice@example.org',
        `certfile = ${file('alice.crt')}`,
        `keyfile = ${file('alice.key')}`,
        `ca_cert_path = ${join(cli.home, 'ca', 'root.crt')}`,
        '',
      ].join('\n'),
    )
  })

  it.each([
    [['--host', 'xmpp.example.org'], 'xmpp.example.org', 5222],
    [['--port', '15222'], 'example.org', 15_222],
    [['--host', '[::1]', '--port', '1'], '::1', 1],
  ])('says where to connect with %j', async (args, host, port) => {
    const { stdout } = await render('poezio', '--user', 'alice@example.org', ...args)
    expect(stdout).toContain(`custom_host = ${host}\ncustom_port = ${port}\n`)
  })

  it('shows the way with a password to somebody without a certificate', async () => {
    const { code, stdout } = await render('gajim', '--user', 'bob', '--format', 'markdown')
    expect(code).toBe(0)
    expect(stdout).toContain('cannot present a client certificate')
    expect(stdout).toContain('   xmppki user add bob@example.org\n')
    expect(stdout).not.toContain('0.16')
  })

  it('answers as JSON', async () => {
    const { stdout } = await render('psi', '--user', 'alice', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      client: 'psi',
      jid: 'alice@example.org',
      device: '',
      certificate: false,
      format: 'text',
      out: null,
      text: expect.stringContaining('Psi'),
    })
  })

  it('writes a new file, for its owner alone when the password is in it', async () => {
    const password = readFileSync(file('alice.p12.password'), 'utf8').trim()
    const page = ['conversations', '--user', 'alice', '--format', 'html', '--out']
    const open = await render(...page, 'open.html')
    expect(open).toMatchObject({ code: 0, stdout: `wrote ${cli.path('open.html')}\n`, stderr: '' })
    expect(readFileSync(cli.path('open.html'), 'utf8')).not.toContain(password)
    const secret = await render(...page, 'secret.html', '--with-password')
    expect(secret.stdout).not.toContain(password)
    expect(readFileSync(cli.path('secret.html'), 'utf8').split(password)).toHaveLength(3)
    expect(['open.html', 'secret.html'].map((name) => statSync(cli.path(name)).mode & 0o777)).toEqual([0o644, 0o600])
    const again = await render(...page, 'open.html')
    expect(again.code).toBe(3)
    expect(again.stderr).toContain('is already there')
  })

  it('tells where a key is missing, and of what', async () => {
    await cli.run(['client', 'issue', 'sensor'])
    const key = join(cli.home, 'clients', 'example.org', 'sensor', 'sensor.key')
    rmSync(key)
    const { code, stdout, stderr } = await render('slixmpp', '--user', 'sensor')
    expect(code).toBe(0)
    expect(stdout).toContain(`self.keyfile = ${JSON.stringify(key)}`)
    expect(stderr).toBe(`warning: ${key} is not there: put the place where it is into the settings\n`)
  })

  it.each([
    ['a user without a certificate', ['poezio', '--user', 'bob'], 4, 'xmppki client issue bob@example.org'],
    ['a device without one', ['poezio', '--user', 'alice', '--device', 'x'], 4, 'alice@example.org --device x'],
    ['a client that nobody knows', ['pidgin', '--user', 'alice'], 2, 'conversations, poezio'],
    ['no user', ['poezio'], 2, '--user is missing'],
    ['settings of a client without a file', ['dino', '--user', 'alice', '--format', 'settings'], 2, 'only steps'],
    ['a host with a port', ['poezio', '--user', 'alice', '--host', 'a:1'], 2, '--port'],
    ['port 0', ['poezio', '--user', 'alice', '--port', '0'], 2, 'port 0'],
    ['a name that is none', ['dino', '--user', 'a/b'], 2, 'a/b'],
  ])('refuses %s', async (_, args, code, message) => {
    const result = await render(...args, '--out', 'refused')
    expect(result.stderr).toContain(message)
    expect(result.code).toBe(code)
    expect(existsSync(cli.path('refused'))).toBe(false)
  })

  it('needs a CA', async () => {
    const { code, stderr } = await render('poezio', '--user', 'alice', '--home', cli.path('nowhere'))
    expect(code).toBe(4)
    expect(stderr).toContain('xmppki ca init')
  })
})
