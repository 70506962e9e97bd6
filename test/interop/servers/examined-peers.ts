import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { DoctorResult } from '../../../src/commands/doctor.ts'
import { Service } from '../service.ts'
import type { Peer, PeerFiles } from './peer-servers.ts'

/** Servers of others, one after the other, with certificates of a workspace whose doctor looks at them. */
export class ExaminedPeers {
  readonly #service: Service
  readonly #folder = mkdtempSync(join(tmpdir(), 'xmppki-peers-'))
  #peer: Peer | undefined

  private constructor(service: Service) {
    this.#service = service
  }

  static async create(): Promise<ExaminedPeers> {
    const peers = new ExaminedPeers(await Service.create())
    await peers.#service.issue('alice')
    await peers.#service.run('server', 'issue', 'localhost')
    return peers
  }

  /** What doctor says of a server, by what was looked at: `state: text`. */
  async examine(
    start: (files: PeerFiles) => Promise<Peer>,
    ...args: string[]
  ): Promise<{ code: number | null; said: Record<string, string> }> {
    this.#peer = await start(this.#files())
    const { port } = this.#peer
    const line = ['doctor', '--connect', `127.0.0.1:${port}`, '--user', 'alice', '--json', ...args]
    const { code, stdout, stderr } = await this.#service.cli.run(line)
    expect(stderr).toBe('')
    const { findings } = JSON.parse(stdout) as DoctorResult
    return { code, said: Object.fromEntries(findings.map(({ check, state, text }) => [check, `${state}: ${text}`])) }
  }

  async stopPeer(): Promise<void> {
    await this.#peer?.stop()
    this.#peer = undefined
  }

  async end(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true })
    await this.#service.end()
  }

  #files(): PeerFiles {
    const server = join(this.#service.cli.home, 'server', 'localhost')
    return {
      folder: mkdtempSync(join(this.#folder, 'peer-')),
      key: join(server, 'server.key'),
      certificate: join(server, 'chain.crt'),
      ca: this.#service.rootCertificate,
    }
  }
}
