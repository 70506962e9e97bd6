import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa } from '../client/workspace-checks.ts'

const TEMPLATES = fileURLToPath(new URL('../../../templates', import.meta.url))

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa('--domain', 'example.org')
  await cli.run(['server', 'issue', 'example.org'])
})
afterAll(() => cli.remove())

const render = (...args: string[]) => cli.run(['config', 'render', ...args])

describe('config render', () => {
  it.each(['mongooseim', 'ejabberd', 'prosody', 'nginx', 'systemd'])('%s goes to standard output', async (target) => {
    const { code, stdout } = await render(target)
    expect(code).toBe(0)
    expect(stdout).toContain(`Made by: xmppki config render ${target} --domain example.org\n`)
    expect(stdout).not.toMatch(/\{\{|undefined/)
  })

  it('takes the paths of the workspace, and the CRL once there is one', async () => {
    const before = await render('mongooseim')
    expect(before.stdout).toContain(`tls.certfile = "${cli.home}/server/example.org/chain.crt"`)
    expect(before.stdout).toContain(`tls.cacertfile = "${cli.home}/ca/root.crt"`)
    expect(before.stdout).not.toMatch(/^\s*tls\.crl_files/m)
    await cli.run(['ca', 'crl'])
    const { stdout } = await render('mongooseim', '--format', 'cfg', '--auth', 'rdbms+pki')
    expect(stdout).toContain(`{crlfiles, ["${cli.home}/ca/root.crl"]}`)
    expect(stdout).toContain('{auth_method, [odbc, pki]}.')
    expect(stdout).toContain(
      'Made by: xmppki config render mongooseim --domain example.org --format cfg --auth rdbms+pki',
    )
    rmSync(join(cli.home, 'ca', 'root.crl'))
  })

  it('says where a URL comes from that certificates do not have', async () => {
    const without = await render('nginx')
    expect(without.stderr).toContain('run: xmppki ca url http://pki.example.org')
    expect(without.stdout).toContain('server_name pki.example.org;')
    await cli.run(['ca', 'url', 'http://crl.example.org'])
    const given = await render('nginx')
    expect(given.stderr).toBe('')
    expect(given.stdout).toContain('server_name crl.example.org;')
    await cli.run(['ca', 'url', '--none'])
    expect((await render('nginx', '--domain', '192.0.2.1')).stdout).toContain('server_name 192.0.2.1;')
  })

  it('warns about Prosody without a CRL, and about clients where there is an issuing CA', async () => {
    expect((await render('prosody')).stderr).toContain('warning: there is no CRL yet')
    expect((await render('ejabberd')).stderr).toBe('')
    const other = await homeWithCa()
    await other.run(['ca', 'issuing', 'init', '--no-passphrase'])
    await other.run(['server', 'issue', 'localhost'])
    const { code, stdout, stderr } = await other.run(['config', 'render', 'ejabberd'])
    expect(code).toBe(0)
    expect(stdout).toContain(`cafile: "${other.home}/ca/root.crt"`)
    expect(stderr).toContain('clients must send the certificate of the issuing CA along')
    other.remove()
  })

  it('names copies in a folder that the server may read', async () => {
    const { stdout } = await render('ejabberd', '--files', '/etc/ejabberd/x y')
    expect(stdout).toContain("--domain example.org --files '/etc/ejabberd/x y'\n")
    expect(stdout).toContain(`install -o ejabberd -m 600 ${cli.home}/server/example.org/server.key '/etc/ejabberd/x y/`)
    expect(stdout).toContain('    cafile: "/etc/ejabberd/x y/root.crt"')
    expect(stdout.replace(/^#.*$/gm, '')).not.toContain(cli.home)
  })

  it('starts xmppki as it was started', async () => {
    const { stdout } = await render('systemd')
    const program = join(dirname(TEMPLATES), 'bin', 'xmppki.cjs')
    expect(stdout).toContain(`ExecStart=${process.execPath} ${program} serve --home /var/lib/xmppki`)
  })

  it('makes the unit before there is a workspace', async () => {
    const args = ['config', 'render', 'systemd', '--domain', 'new.example']
    const { code, stdout } = await cli.run(args, { env: { XMPPKI_HOME: '/nonexistent/home' } })
    expect(code).toBe(0)
    expect(stdout).toContain('xmppki ca init --home /var/lib/xmppki --domain new.example')
  })
})

describe('config render --out', () => {
  it('writes the configuration, and nothing over it', async () => {
    const out = cli.path('ejabberd.yml')
    const made = await render('ejabberd', '--out', out, '--json')
    expect(JSON.parse(made.stdout)).toMatchObject({ target: 'ejabberd', domain: 'example.org', written: [out] })
    expect(readFileSync(out, 'utf8')).toBe(JSON.parse(made.stdout).text)
    expect(statSync(out).mode & 0o777).toBe(0o644)
    const again = await render('ejabberd', '--out', out)
    expect(again.code).toBe(3)
    expect(again.stderr).toContain(`${out} is already there`)
  })

  it('lets nobody read a file with room for a password', async () => {
    const out = cli.path('passwords.toml')
    expect((await render('mongooseim', '--auth', 'rdbms+pki', '--out', out)).code).toBe(0)
    expect(statSync(out).mode & 0o777).toBe(0o600)
  })

  it('puts the module of Prosody beside it, which may be there', async () => {
    const module = cli.path('mod_auth_xmppki.lua')
    const first = await render('prosody', '--out', cli.path('a.cfg.lua'))
    expect(first.stdout).toBe(`wrote ${module}\nwrote ${cli.path('a.cfg.lua')}\n`)
    expect(readFileSync(module, 'utf8')).toBe(readFileSync(join(TEMPLATES, 'prosody', 'mod_auth_xmppki.lua'), 'utf8'))
    expect(readFileSync(cli.path('a.cfg.lua'), 'utf8')).toContain(`plugin_paths = { "${cli.folder}" }`)
    const second = await render('prosody', '--out', cli.path('b.cfg.lua'))
    expect(second.stdout).toBe(`wrote ${cli.path('b.cfg.lua')}\n`)
    writeFileSync(module, '-- mine')
    const third = await render('prosody', '--out', cli.path('c.cfg.lua'))
    expect(third).toMatchObject({ code: 3, stdout: '' })
    expect(third.stderr).toContain(`${module} is already there`)
    expect(readFileSync(module, 'utf8')).toBe('-- mine')
    expect(() => statSync(cli.path('c.cfg.lua'))).toThrow('ENOENT')
  })

  it('points to the module of this installation otherwise', async () => {
    expect((await render('prosody')).stdout).toContain(`plugin_paths = { "${join(TEMPLATES, 'prosody')}" }`)
  })
})

describe('config render refuses', () => {
  it.each([
    ['nothing', [], {}, 2, 'missing argument: TARGET'],
    ['a target that it does not know', ['openfire'], {}, 2, 'openfire'],
    ['a domain without a certificate', ['ejabberd', '--domain', 'b.example'], {}, 4, 'server issue b.example'],
    ['a workspace without a CA, and no domain', ['systemd'], { XMPPKI_HOME: '/nonexistent/home' }, 4, 'xmppki ca init'],
    ['a workspace without a CA', ['ejabberd'], { XMPPKI_HOME: '/nonexistent/home' }, 4, 'xmppki ca init'],
    [
      '--format for others than MongooseIM',
      ['ejabberd', '--format', 'cfg'],
      {},
      2,
      '--format has no effect on ejabberd',
    ],
    ['--files where no server reads them', ['systemd', '--files', '/x'], {}, 2, '--files has no effect on systemd'],
    ['--auth where nobody logs in', ['nginx', '--auth', 'pki'], {}, 2, '--auth has no effect on nginx'],
  ])('%s', async (_case, args, env, exitCode, text) => {
    const { code, stdout, stderr } = await cli.run(['config', 'render', ...args], { env })
    expect(stderr).toContain(text)
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' })
  })

  it('a variable is for all targets, and no contradiction', async () => {
    const env = { XMPPKI_RENDER_AUTH: 'rdbms+pki', XMPPKI_RENDER_FORMAT: 'cfg' }
    const { code, stdout } = await cli.run(['config', 'render', 'systemd'], { env })
    expect(code).toBe(0)
    expect(stdout).toContain('Made by: xmppki config render systemd --domain example.org\n')
  })
})
