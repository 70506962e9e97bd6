import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ServeProcess } from '../../support/processes/serve.ts'
import { type RenderedPeer, startRenderedProsody } from './peer-servers.ts'
import { claimed, itLogsIn, RenderedRealm } from './rendered-realm.ts'

const realm = new RenderedRealm()
beforeAll(() => realm.prepare())
afterAll(() => realm.remove())

describe('xmppki serve', () => {
  it('lets in whom the manual says', async () => {
    const serve = new ServeProcess(['--home', realm.cli.home])
    const { port } = await serve.listening()
    expect(await realm.outcomes(port)).toEqual(claimed(1))
    expect(await serve.stop()).toBe(0)
  })
})

describe('Prosody with what config render writes', () => {
  let peer: RenderedPeer
  beforeAll(async () => {
    const { text } = await realm.render('prosody')
    peer = await startRenderedProsody(realm.emptyFolder('prosody'), text)
  })
  afterAll(() => peer?.stop())

  itLogsIn(realm, () => peer, 3)
})
