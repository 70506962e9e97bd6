import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ExaminedPeers } from './examined-peers.ts'
import { startProsody } from './peer-servers.ts'

let peers: ExaminedPeers
beforeAll(async () => {
  peers = await ExaminedPeers.create()
})
afterEach(() => peers.stopPeer())
afterAll(() => peers?.end())

describe('doctor at Prosody', () => {
  it('says that EXTERNAL is not offered although the server asks for certificates', async () => {
    const { code, said } = await peers.examine((files) => startProsody(files, true))
    expect(code).toBe(8)
    expect(said['server chain']).toBe('ok: leads to the CA of the workspace')
    expect(said['certificate request']).toBe('ok: the server asks for a client certificate, from any CA')
    expect(said['with certificate']).toMatch(/^ok: mechanisms: .*SCRAM-SHA-1/)
    expect(said['EXTERNAL']).toMatch(/^failed: not offered: .*has EXTERNAL switched off$/)
  })

  it('says that the server never asks for a certificate', async () => {
    const { code, said } = await peers.examine((files) => startProsody(files, false))
    expect(code).toBe(8)
    expect(said['certificate request']).toMatch(/^failed: the server does not ask for a client certificate/)
    expect(said['EXTERNAL']).toBe('failed: not offered: the server never asked for the certificate')
  })
})
