import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DoctorResult } from '../../src/commands/doctor.ts'
import { CliHome } from '../support/processes/cli.ts'
import { type Listening, ServeProcess } from '../support/processes/serve.ts'

let cli: CliHome
let serve: ServeProcess
let place: Listening

beforeAll(async () => {
  cli = new CliHome()
  await cli.run(['ca', 'init', '--no-passphrase'])
  await cli.run(['client', 'issue', 'alice', 'bob'])
  serve = new ServeProcess(['--home', cli.home])
  place = await serve.listening()
})
afterAll(async () => {
  await serve.stop()
  cli.remove()
})

const file = (ending: string) => join(cli.home, 'clients', 'localhost', 'alice', `alice.${ending}`)
const starttls = () => `127.0.0.1:${place.port}`

async function doctor(...args: string[]) {
  const { code, stdout } = await cli.run(['doctor', '--json', ...args])
  return { code, document: JSON.parse(stdout) as DoctorResult }
}

describe('doctor', () => {
  it('finds a new workspace healthy', async () => {
    const { code, document } = await doctor()
    expect(document.findings.filter(({ state }) => state === 'failed')).toEqual([])
    expect({ code, healthy: document.healthy }).toEqual({ code: 0, healthy: true })
    expect(document.findings).toContainEqual({
      check: 'ports',
      state: 'ok',
      text: `serve runs: 127.0.0.1 port ${place.port}, 127.0.0.1 port ${place.tlsPort}; only this machine can connect, see --host`,
    })
  })

  it('says in lines what has failed and what to do', async () => {
    const key = join(cli.home, 'ca', 'root.key')
    chmodSync(key, 0o640)
    const { code, stdout, stderr } = await cli.run(['doctor'])
    chmodSync(key, 0o600)
    expect(code).toBe(8)
    expect(stdout).toMatch(/^ok +root CA +CN=/m)
    expect(stdout).toContain(`FAILED   permissions                      ${key} can be read by others\n`)
    expect(stdout).toContain(`→ chmod 600 '${key}'\n`)
    expect(stderr).toMatch(/^error: 1 of \d+ checks failed$/m)
  })

  it('needs a workspace', async () => {
    expect((await cli.run(['doctor', '--home', cli.path('nowhere')])).code).toBe(4)
  })
})

describe('doctor --connect', () => {
  it.each([
    { name: 'a user', args: () => ['--user', 'alice'] },
    { name: 'files', args: () => ['--cert', file('crt'), '--key', file('key')] },
    { name: 'a bundle', args: () => ['--p12', file('p12'), '--p12-password-file', file('p12.password')] },
  ])('logs in with the certificate of $name', async ({ args }) => {
    const { code, document } = await doctor('--connect', starttls(), ...args())
    expect(document.findings.at(-1)).toEqual({ check: 'login', state: 'ok', text: 'accepted; nothing was bound' })
    expect(code).toBe(0)
    // It leaves as a good guest does.
    expect(serve.logLines).not.toContainEqual(expect.objectContaining({ condition: expect.anything() }))
  })

  it('goes on to a resource with --login, over direct TLS', async () => {
    const args = ['--connect', `127.0.0.1:${place.tlsPort}`, '--tls', '--user', 'alice', '--login']
    const { document } = await doctor(...args)
    expect(document.findings.at(-1)?.text).toMatch(/^logged in as alice@localhost\/./)
  })

  it('needs no workspace, but the CA to know the server by', async () => {
    const ca = join(cli.home, 'ca', 'root.crt')
    const args = ['--home', cli.path('nowhere'), '--connect', starttls(), '--domain', 'localhost', '--ca', ca]
    const { code, document } = await doctor(...args)
    expect(code).toBe(0)
    expect(document.findings).toContainEqual({ check: 'server chain', state: 'ok', text: `leads to ${ca}` })
  })

  it('says that a certificate is revoked', async () => {
    await cli.run(['client', 'revoke', 'bob'])
    const [crt, key] = ['crt', 'key'].map((ending) => join(cli.home, 'clients', 'localhost', 'bob', `bob.${ending}`))
    const { code, document } = await doctor('--connect', starttls(), '--cert', crt ?? '', '--key', key ?? '')
    expect(code).toBe(8)
    const external = document.findings.find(({ check }) => check === 'EXTERNAL')
    expect(external).toMatchObject({ state: 'failed', text: expect.stringMatching(/^not offered: revoked on /) })
  })

  it('says that nobody listens, whatever else it was asked', async () => {
    const { code, document } = await doctor('--connect', '127.0.0.1:1', '--user', 'alice')
    expect(code).toBe(8)
    expect(document.findings).toHaveLength(1)
  })

  it.each([
    { name: 'a bad address', args: () => ['--connect', 'a:b:c:d'], code: 2 },
    { name: 'port 0', args: () => ['--connect', 'a:0'], code: 2 },
    { name: '--user without --connect', args: () => ['--user', 'alice'], code: 2 },
    { name: 'a bundle without its password', args: () => ['--connect', starttls(), '--p12', file('p12')], code: 2 },
    { name: 'a certificate without its key', args: () => ['--connect', starttls(), '--cert', file('crt')], code: 2 },
    { name: 'a stranger', args: () => ['--connect', starttls(), '--user', 'nobody'], code: 4 },
  ])('refuses $name', async ({ args, code }) => {
    expect((await cli.run(['doctor', ...args()])).code).toBe(code)
  })

  it('refuses a wrong password, and does not repeat it', async () => {
    const password = cli.path('password')
    writeFileSync(password, 'hunter2', { mode: 0o600 })
    const args = ['doctor', '--connect', starttls(), '--p12', file('p12'), '--p12-password-file', password]
    const { code, stdout, stderr } = await cli.run(args)
    expect(code).toBe(5)
    expect(stdout + stderr).not.toContain('hunter2')
    expect(readFileSync(file('p12.password'), 'utf8')).not.toBe('hunter2')
  })
})
