import type { Credentials } from '../certificates/certificates.ts'
import type { TestServer } from '../servers/server.ts'
import { external, external2, RawClient } from './xmpp-client.ts'

/** A point of the negotiation at which a client can stop or go astray. */
export interface StreamState {
  readonly name: string
  /** Whether our stream header is the next thing that the server expects. */
  readonly fresh: boolean
  reach(t: TestServer, credentials: Credentials): Promise<RawClient>
}

const secured = (t: TestServer, credentials: Credentials) => RawClient.secured({ port: t.port, credentials })

async function loggedIn(t: TestServer, credentials: Credentials): Promise<RawClient> {
  const client = await secured(t, credentials)
  client.send(external())
  await client.receive(/<success[^>]*>/)
  return client
}

/** Every state in which the server waits for the client, in order. */
export const NEGOTIATION_STATES: readonly StreamState[] = [
  { name: 'before the first header', fresh: true, reach: (t) => RawClient.plain({ port: t.port }) },
  {
    name: 'in the clear',
    fresh: false,
    reach: async (t) => {
      const client = await RawClient.plain({ port: t.port })
      await client.open()
      return client
    },
  },
  {
    name: 'after STARTTLS, before the header',
    fresh: true,
    reach: async (t, credentials) => {
      const client = await RawClient.plain({ port: t.port, credentials })
      await client.open()
      await client.startTls()
      return client
    },
  },
  {
    name: 'after direct TLS, before the header',
    fresh: true,
    reach: (t, credentials) => RawClient.direct({ port: t.tlsPort, credentials }),
  },
  { name: 'secured', fresh: false, reach: secured },
  {
    name: 'after a challenge',
    fresh: false,
    reach: async (t, credentials) => {
      const client = await secured(t, credentials)
      client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>")
      await client.receive(/<challenge[^>]*>/)
      return client
    },
  },
  {
    name: 'after a challenge of SASL2',
    fresh: false,
    reach: async (t, credentials) => {
      const client = await secured(t, credentials)
      client.send("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='EXTERNAL'/>")
      await client.receive(/<challenge[^>]*>/)
      return client
    },
  },
  { name: 'logged in, before the header', fresh: true, reach: loggedIn },
  {
    name: 'logged in, not bound',
    fresh: false,
    reach: async (t, credentials) => {
      const client = await loggedIn(t, credentials)
      await client.open()
      return client
    },
  },
  {
    name: 'logged in by SASL2, not bound',
    fresh: false,
    reach: async (t, credentials) => {
      const client = await secured(t, credentials)
      client.send(external2())
      await client.receive(/<success.*<\/stream:features>/s)
      return client
    },
  },
]

export const BOUND: StreamState = {
  name: 'bound',
  fresh: false,
  reach: (t, credentials) => RawClient.online({ port: t.port, credentials }),
}
