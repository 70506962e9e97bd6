import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqliteDocuments } from '../../../src/store/sqlite/documents.ts'
import { SqliteUserData } from '../../../src/store/sqlite/user-data.ts'
import { type ProgramResult, program } from '../../interop/program.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string; man: [string] }

/** What starts a worker of the installed package; it writes into the file that its argument names. */
const STARTER = `
const { Worker } = require('node:worker_threads')
const worker = new Worker(require.resolve('xmppki/dist/user-data-writer.cjs'), { workerData: process.argv[2] })
const changes = [['romeo@example.net', '{"name":"Romeo"}']]
worker.postMessage({ number: 7, change: { kind: 'write-documents', collection: 'roster', owner: 'alice@localhost', changes } })
worker.postMessage('end')
worker.on('message', (answer) => console.log(JSON.stringify(answer)))
`

interface PackDocument {
  readonly filename: string
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

const ALLOWED = [
  /^(package|oclif\.manifest)\.json$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^bin\/(xmppki|commands|load)\.cjs$/,
  /^dist\/(user-data-writer\.cjs|(start|xmppki|signing|rest)(\.cjs|-[0-9a-f]{16}\.cache)|THIRD_PARTY_LICENSES\.txt|xmppki\.1)$/,
  /^docs\/(reference\/)?[\w-]+\.md$/,
  /^templates\/[\w./-]+$/,
]

describe('the npm package', () => {
  let folder: string
  let packed: PackDocument

  const home = () => join(folder, 'home')
  const project = () => join(folder, 'project')

  // What has been downloaded for this user need not be downloaded again; everything else starts afresh.
  const cache = process.env['npm_config_cache'] ?? join(homedir(), '.npm')

  const npm = (...args: string[]): ProgramResult =>
    program('npm', [...args, '--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline'], {
      cwd: project(),
      env: { HOME: home(), npm_config_cache: cache },
    })

  const xmppki = (...args: string[]): ProgramResult =>
    program(join(project(), 'node_modules', '.bin', 'xmppki'), args, { cwd: project(), env: { HOME: home() } })

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xmppki-package-'))
    for (const path of [home(), project()]) mkdirSync(path)
    writeFileSync(join(project(), 'package.json'), '{"private": true}\n')
    const pack = npm('pack', ROOT, '--json', '--loglevel=error', '--pack-destination', folder)
    expect(pack.code, pack.output).toBe(0)
    packed = (JSON.parse(pack.stdout) as [PackDocument])[0]
    const install = npm('install', join(folder, packed.filename))
    expect(install.code, install.output).toBe(0)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('contains the program and what it needs, no sources, no tests, no secrets', () => {
    const unexpected = packed.files.map(({ path }) => path).filter((path) => !ALLOWED.some((rule) => rule.test(path)))
    expect(unexpected).toEqual([])
    const names = packed.files.map(({ path }) => path)
    const program = [
      'bin/xmppki.cjs',
      'bin/load.cjs',
      'dist/start.cjs',
      'dist/xmppki.cjs',
      'dist/signing.cjs',
      'dist/rest.cjs',
      'oclif.manifest.json',
      'LICENSE',
    ]
    const manual = ['README.md', 'docs/README.md', 'docs/reference/commands.md', MANIFEST.man[0].replace('./', '')]
    expect(names).toEqual(expect.arrayContaining([...program, ...manual]))
  })

  it('installs a command that knows its version', () => {
    const { code, output } = xmppki('--version')
    expect(output).toContain(`xmppki/${MANIFEST.version} `)
    expect(code).toBe(0)
  })

  it('brings its manual page to where man looks, when it is installed for everybody', () => {
    const prefix = join(folder, 'prefix')
    const install = npm('install', '--global', '--prefix', prefix, join(folder, packed.filename))
    expect(install.code, install.output).toBe(0)
    expect(readFileSync(join(prefix, 'share', 'man', 'man1', 'xmppki.1'), 'utf8')).toMatch(/^\.TH XMPPKI 1 /)
  })

  it('makes a CA and issues a client certificate, in the data directory of the user', () => {
    const ca = xmppki('ca', 'init', '--no-passphrase')
    expect(ca.code, ca.output).toBe(0)
    const client = xmppki('client', 'issue', 'alice')
    expect(client.code, client.output).toBe(0)
    const workspace = join(home(), '.local', 'share', 'xmppki')
    const certificate = join(workspace, 'clients', 'localhost', 'alice', 'alice.crt')
    const verify = program('openssl', [
      'verify',
      '-x509_strict',
      '-CAfile',
      join(workspace, 'ca', 'root.crt'),
      certificate,
    ])
    expect(verify.code, verify.output).toBe(0)
  })

  it('finds its templates where it is installed', () => {
    expect(xmppki('server', 'issue', 'localhost').code).toBe(0)
    const { code, output } = xmppki('config', 'render', 'prosody', '--out', 'prosody.cfg.lua')
    expect(output).toContain('mod_auth_xmppki.lua')
    expect(code, output).toBe(0)
    const unit = xmppki('config', 'render', 'systemd')
    const installed = join(project(), 'node_modules', 'xmppki', 'bin', 'xmppki.cjs')
    expect(unit.stdout).toContain(`\nExecStart=${process.execPath} ${installed} serve `)
  })

  it('brings the program of the thread that writes what users have', async () => {
    writeFileSync(join(project(), 'starter.cjs'), STARTER)
    const path = join(project(), 'user-data.db')
    const { code, output } = program(process.execPath, ['starter.cjs', path], { cwd: project(), env: { HOME: home() } })
    expect(output).toBe('{"number":7,"value":1}\n')
    expect(code).toBe(0)
    const file = new SqliteUserData(path)
    expect(await new SqliteDocuments(file, 'roster').entries('alice@localhost')).toEqual([
      ['romeo@example.net', { name: 'Romeo' }],
    ])
    await file.close()
  })

  it('quickstart --check proves a login and exits 0', () => {
    const { code, output } = xmppki('quickstart', '--check', '--port', '0', '--tls-port', '0')
    expect(output).toContain('alice@localhost/')
    expect(output).toContain('logged in with SASL EXTERNAL over direct TLS')
    expect(code, output).toBe(0)
  })
})
