import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RenderedPeer, startRenderedEjabberd } from '../../../interop/servers/peer-servers.ts'
import { itLogsIn, RenderedRealm } from '../../../interop/servers/rendered-realm.ts'

const realm = new RenderedRealm()
beforeAll(() => realm.prepare())
afterAll(() => realm.remove())

describe('ejabberd with what config render writes', () => {
  let peer: RenderedPeer
  beforeAll(async () => {
    const { text } = await realm.render('ejabberd')
    peer = await startRenderedEjabberd(realm.emptyFolder('ejabberd'), text)
  })
  afterAll(() => peer?.stop())

  itLogsIn(realm, () => peer, 2)

  it('has nothing to complain about the configuration', () => {
    expect(peer.output()).not.toMatch(/\[(?:error|critical)\]|unknown option/)
  })

  it('takes the one with passwords, and logs certificates in while the database is away', async () => {
    const { text } = await realm.render('ejabberd', '--auth', 'rdbms+pki')
    const other = await startRenderedEjabberd(realm.emptyFolder('ejabberd-sql'), text)
    try {
      const { offered } = await realm.logInWithSlixmpp(other, false)
      expect(offered).toEqual(['EXTERNAL', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'])
    } finally {
      await other.stop()
    }
  })
})
