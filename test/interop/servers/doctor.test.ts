import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { DoctorResult } from '../../../src/commands/doctor.ts'
import { Service } from '../service.ts'
import { type Peer, type PeerFiles, startEjabberd, startProsody } from './peer-servers.ts'

let service: Service
let folder: string
let peer: Peer | undefined

beforeAll(async () => {
  service = await Service.create()
  await service.issue('alice')
  await service.run('server', 'issue', 'localhost')
})
afterAll(() => service?.end())

afterEach(async () => {
  await peer?.stop()
  peer = undefined
  rmSync(folder, { recursive: true, force: true })
})

function files(): PeerFiles {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-peer-'))
  const server = join(service.cli.home, 'server', 'localhost')
  return {
    folder,
    key: join(server, 'server.key'),
    certificate: join(server, 'chain.crt'),
    ca: service.rootCertificate,
  }
}

/** What doctor says of a server, by what was looked at: `state: text`. */
async function examine(
  { port }: Peer,
  ...args: string[]
): Promise<{ code: number | null; said: Record<string, string> }> {
  const line = ['doctor', '--connect', `127.0.0.1:${port}`, '--user', 'alice', '--json', ...args]
  const { code, stdout, stderr } = await service.cli.run(line)
  expect(stderr).toBe('')
  const { findings } = JSON.parse(stdout) as DoctorResult
  return { code, said: Object.fromEntries(findings.map(({ check, state, text }) => [check, `${state}: ${text}`])) }
}

describe('doctor at Prosody', () => {
  it('says that EXTERNAL is not offered although the server asks for certificates', async () => {
    peer = await startProsody(files(), true)
    const { code, said } = await examine(peer)
    expect(code).toBe(8)
    expect(said['server chain']).toBe('ok: leads to the CA of the workspace')
    expect(said['certificate request']).toBe('ok: the server asks for a client certificate, from any CA')
    expect(said['with certificate']).toMatch(/^ok: mechanisms: .*SCRAM-SHA-1/)
    expect(said['EXTERNAL']).toMatch(/^failed: not offered: .*has EXTERNAL switched off$/)
  })

  it('says that the server never asks for a certificate', async () => {
    peer = await startProsody(files(), false)
    const { code, said } = await examine(peer)
    expect(code).toBe(8)
    expect(said['certificate request']).toMatch(/^failed: the server does not ask for a client certificate/)
    expect(said['EXTERNAL']).toBe('failed: not offered: the server never asked for the certificate')
  })
})

describe('doctor at ejabberd', () => {
  it('logs in, binds with --login, and notices that EXTERNAL is offered to everybody', async () => {
    peer = await startEjabberd(files(), true)
    const { code, said } = await examine(peer, '--login')
    expect(said['login']).toMatch(/^ok: logged in as alice@localhost\/./)
    expect(code).toBe(0)
    expect(said['without certificate']).toMatch(/^warning: .*EXTERNAL is offered to clients without a certificate/)
  })

  it('says that the server does not know the CA', async () => {
    peer = await startEjabberd(files(), false)
    const { code, said } = await examine(peer)
    expect(code).toBe(8)
    expect(said['login']).toMatch(
      /^failed: refused: not-authorized .*; the server does not know the CA CN=xmppki root CA/,
    )
  })
})
