import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ExaminedPeers } from '../../../interop/servers/examined-peers.ts'
import { startEjabberd } from '../../../interop/servers/peer-servers.ts'

let peers: ExaminedPeers
beforeAll(async () => {
  peers = await ExaminedPeers.create()
})
afterEach(() => peers.stopPeer())
afterAll(() => peers?.end())

describe('doctor at ejabberd', () => {
  it('logs in, binds with --login, and notices that EXTERNAL is offered to everybody', async () => {
    const { code, said } = await peers.examine((files) => startEjabberd(files, true), '--login')
    expect(said['login']).toMatch(/^ok: logged in as alice@localhost\/./)
    expect(code).toBe(0)
    expect(said['without certificate']).toMatch(/^warning: .*EXTERNAL is offered to clients without a certificate/)
  })

  it('says that the server does not know the CA', async () => {
    const { code, said } = await peers.examine((files) => startEjabberd(files, false))
    expect(code).toBe(8)
    expect(said['login']).toMatch(
      /^failed: refused: not-authorized .*; the server does not know the CA CN=xmppki root CA/,
    )
  })
})
