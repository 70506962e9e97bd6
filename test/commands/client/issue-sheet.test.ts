import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliHome } from '../../support/processes/cli.ts'
import { filesOf, homeWithCa, openssl } from './workspace-checks.ts'

let cli: CliHome
beforeAll(async () => {
  cli = await homeWithCa('--domain', 'example.org')
})
afterAll(() => cli.remove())

const issue = (...args: string[]) => cli.run(['client', 'issue', ...args])
const folder = (name: string) => join(cli.home, 'clients', 'example.org', name)
const read = (...path: string[]) => readFileSync(join(...path), 'utf8')
const passwordOf = (name: string) => read(folder(name), `${name}.p12.password`).trim()

describe('client issue --sheet', () => {
  it('puts the sheet beside the bundle, with what the user has to know and without the password', async () => {
    const { code, stdout, stderr } = await issue('alice', '--sheet', '--host', 'xmpp.example.org')
    expect(code, stderr).toBe(0)
    const path = join(folder('alice'), 'alice.html')
    expect(stdout).toContain(`  sheet        ${path}\n`)
    expect(readdirSync(folder('alice')).sort()).toEqual([...filesOf('alice'), 'alice.html'].sort())
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const html = read(path)
    const [, fingerprint = ''] =
      /Fingerprint=(.*)/.exec(
        openssl('x509', '-in', join(cli.home, 'ca/root.crt'), '-noout', '-fingerprint', '-sha256'),
      ) ?? []
    const plain = html.replace(/<[^>]*>/g, '').replace(/\s+/g, '')
    expect(plain).toContain(fingerprint.replaceAll(':', '').toLowerCase())
    for (const text of ['alice@example.org', 'xmpp.example.org', 'alice.p12', folder('alice')]) {
      expect(html).toContain(text)
    }
    expect(html).not.toContain(passwordOf('alice'))
  })

  it('prints the password when it is told to', async () => {
    const { stdout } = await issue('bob', '--sheet', '--with-password', '--json')
    const { sheet } = JSON.parse(stdout).issued[0]
    expect(sheet).toBe(join(folder('bob'), 'bob.html'))
    expect(read(sheet)).toContain(`<code>${passwordOf('bob')}</code>`)
    expect(statSync(sheet).mode & 0o777).toBe(0o600)
  })

  it('prints a password that was given', async () => {
    writeFileSync(cli.path('password'), 'open sesame <1>\n', { mode: 0o600 })
    await issue('carol', '--sheet', '--with-password', '--p12-password-file', 'password')
    expect(read(folder('carol'), 'carol.html')).toContain('<code>open sesame &lt;1&gt;</code>')
    rmSync(join(folder('carol'), 'carol.html'))
    // The bundle of an earlier run need not have it.
    const later = ['--sheet', '--with-password', '--if-missing', '--p12-password-file', 'password']
    const { stderr } = await issue('carol', ...later)
    expect(stderr).toContain("warning: the password of carol@example.org's bundle is not known here")
    expect(read(folder('carol'), 'carol.html')).not.toContain('sesame')
  })

  it('makes one that is missing, and leaves one that is there', async () => {
    const path = join(folder('alice'), 'alice.html')
    const before = read(path)
    rmSync(path)
    const again = await issue('alice', '--sheet', '--host', 'xmpp.example.org', '--if-missing')
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toContain(`  sheet  ${path}\n`)
    expect(read(path)).toBe(before)
    const other = await issue('alice', '--sheet', '--host', 'other.example.org', '--if-missing')
    expect(other.code).toBe(0)
    expect(other.stderr).toBe(`warning: the sheet ${path} says something else and stays; move it away for a new one\n`)
    expect(read(path)).toBe(before)
    expect(readdirSync(folder('alice'))).toHaveLength(6)
  })

  it('has none for a user whose bundle is not here', async () => {
    await cli.run(['client', 'csr', 'sensor', '--domain', 'example.org'])
    await cli.run(['client', 'sign', 'sensor.csr', '--name', 'sensor'])
    const { stderr } = await issue('sensor', '--sheet', '--if-missing')
    expect(stderr).toContain('warning: there is no bundle of sensor@example.org here, so there is no sheet')
    expect(existsSync(cli.path('sensor.html'))).toBe(false)
  })
})

describe('client issue --sheets', () => {
  it('collects the sheets of a list in one folder', async () => {
    writeFileSync(cli.path('users.csv'), 'name,device\nu1,\nu1,phone\nu2,\n$(x)[y],\n')
    const { code, stderr } = await issue('--file', 'users.csv', '--sheets', 'sheets')
    expect(code, stderr).toBe(0)
    const names = readdirSync(cli.path('sheets')).sort()
    expect(names).toEqual(['%24%28x%29%5By%5D.html', 'u1.html', 'u1@phone.html', 'u2.html'])
    for (const name of names) expect(statSync(cli.path('sheets', name)).mode & 0o777).toBe(0o600)
    expect(read(cli.path('sheets', 'u1@phone.html'))).toContain('<dt>Device</dt><dd><code>phone</code></dd>')
    expect(readdirSync(folder('u1')).sort()).toEqual(filesOf('u1'))
  })

  it('makes each sheet once when two runs want the same', async () => {
    const users = Array.from({ length: 40 }, (_, index) => `t${index}`)
    writeFileSync(cli.path('twice'), users.join('\n'))
    const run = () => issue('--file', 'twice', '--sheets', 'both')
    for (const { code, stderr } of await Promise.all([run(), run()])) expect(stderr + code).toBe('0')
    expect(readdirSync(cli.path('both')).sort()).toEqual(users.map((name) => `${name}.html`).sort())
  })

  it.each<[name: string, args: string[], message: string, code?: number]>([
    ['both kinds', ['x', '--sheet', '--sheets', 'y'], '--sheet'],
    ['a host for no sheet', ['x', '--host', 'example.org'], '--host is about welcome sheets'],
    ['a password for no sheet', ['x', '--with-password'], '--with-password is about welcome sheets'],
    ['a file for a folder', ['x', '--sheets', 'users.csv'], 'users.csv is not a folder', 7],
    ['two users with one sheet', ['x', 'x@a.example', '--sheets', 'y'], 'would share a sheet in --sheets'],
  ])('refuses %s', async (_, args, message, expected = 2) => {
    const { code, stderr } = await issue(...args)
    expect(stderr).toContain(message)
    expect(code).toBe(expected)
    expect(existsSync(folder('x'))).toBe(false)
  })

  it('does not mind a host that the environment has for other commands', async () => {
    const { code } = await cli.run(['client', 'issue', 'erin'], { env: { XMPPKI_CLIENT_HOST: 'example.org' } })
    expect(code).toBe(0)
  })
})
