import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ServeProcess } from '../../support/processes/serve.ts'
import { type RenderedPeer, startRenderedProsody } from './peer-servers.ts'
import { claimed, RenderedRealm, WAYS } from './rendered-realm.ts'

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

  it('lets in whom the manual says', async () => expect(await realm.outcomes(peer.port)).toEqual(claimed(3)))

  it.each(WAYS)('logs slixmpp in over $way, and offers nothing but EXTERNAL', async ({ directTls }) => {
    expect(await realm.logInWithSlixmpp(peer, directTls)).toMatchObject({
      mechanism: 'EXTERNAL',
      offered: ['EXTERNAL'],
    })
  })
})
