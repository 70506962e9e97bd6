import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allFeatures } from '../../../src/server/features/all.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { carbons } from '../../support/streams/carbons.ts'
import { inMemory, overTheNetwork, Transcript } from '../../support/streams/transcript.ts'

/** Logged in by SASL2, with a resource and what is switched on along with it. */
const login = (actor: string, inline = '', bound = '<bound xmlns="urn:xmpp:bind:0"/>') => {
  const [account = ''] = actor.split('_')
  return `
${actor} connects by TLS
${actor} opens a stream
${actor} < <stream:features>…<bind xmlns="urn:xmpp:bind:0"><inline><feature var="urn:xmpp:carbons:2"/></inline></bind></inline></authentication></stream:features>
${actor} > <authenticate xmlns="urn:xmpp:sasl:2" mechanism="EXTERNAL"><initial-response/><bind xmlns="urn:xmpp:bind:0"><tag>x</tag>${inline}</bind></authenticate>
${actor} < <success xmlns="urn:xmpp:sasl:2"><authorization-identifier>${account}@localhost/x/{${actor}}</authorization-identifier>${bound}</success><stream:features/>
${actor} > <presence/>
`
}

const CARBONS = `${login('alice_phone', '<enable xmlns="urn:xmpp:carbons:2"/>')}
alice_phone < <presence from="alice@localhost/x/{alice_phone}"/>
${login('alice_laptop')}
alice_phone < <presence from="alice@localhost/x/{alice_laptop}"/>
alice_laptop < <presence from="alice@localhost/x/{alice_phone}"/><presence from="alice@localhost/x/{alice_laptop}"/>
${login('bob')}
bob < <presence from="bob@localhost/x/{bob}"/>

# What one client sends and receives, the other one gets a copy of.
alice_laptop > <message to="bob@localhost" type="chat" id="1"><body>ä</body></message>
bob < <message to="bob@localhost" type="chat" id="1" from="alice@localhost/x/{alice_laptop}"><body>ä</body></message>
alice_phone < <message from="alice@localhost" type="chat"><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" to="bob@localhost" type="chat" id="1" from="alice@localhost/x/{alice_laptop}"><body>ä</body></message></forwarded></sent></message>
bob > <message to="alice@localhost/x/{alice_laptop}" type="chat" id="2"/>
alice_laptop < <message to="alice@localhost/x/{alice_laptop}" type="chat" id="2" from="bob@localhost/x/{bob}"/>
alice_phone < <message from="alice@localhost" type="chat"><received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" to="alice@localhost/x/{alice_laptop}" type="chat" id="2" from="bob@localhost/x/{bob}"/></forwarded></received></message>

# It can be switched on and off later, too, and one can ask for it.
alice_phone > <iq type="set" id="3"><disable xmlns="urn:xmpp:carbons:2"/></iq>
alice_phone < <iq type="result" id="3" to="alice@localhost/x/{alice_phone}"/>
bob > <message to="alice@localhost/x/{alice_laptop}" type="chat" id="4"/>
alice_laptop < <message to="alice@localhost/x/{alice_laptop}" type="chat" id="4" from="bob@localhost/x/{bob}"/>
alice_phone > <iq to="localhost" type="get" id="5"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>
alice_phone < <iq type="result" id="5"…<feature var="urn:xmpp:carbons:2"/>…</iq>
`

describe('a feature is one file and one line', () => {
  const ca = new OpensslCa()
  const issued = new Map<string, Credentials>()
  let server: TestServer
  beforeEach(async () => {
    server = await startTestServer({ ca, features: (dependencies) => [...allFeatures(dependencies), carbons] })
  })
  afterEach(() => server.stop())
  afterAll(() => ca.remove())

  function credentialsOf(actor: string): Credentials {
    const [name = ''] = actor.split('_')
    const known = issued.get(name)
    if (known !== undefined) return known
    const names = { subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`] }
    const credentials = ca.issue({ ...names, extendedKeyUsage: 'clientAuth' })
    issued.set(name, credentials)
    return credentials
  }

  it.each([
    { way: 'over TLS', connect: overTheNetwork },
    { way: 'in memory', connect: inMemory },
  ])('that works $way', async ({ connect }) => {
    await new Transcript(connect(server, credentialsOf)).play(CARBONS)
  })

  it('that is short', () => {
    const lines = readFileSync(new URL('../../support/streams/carbons.ts', import.meta.url), 'utf8').split('\n')
    expect(lines.length).toBeLessThanOrEqual(50)
  })
})
