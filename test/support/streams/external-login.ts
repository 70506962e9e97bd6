import type { ConnectionOptions } from 'node:tls'
import type { ExternalPolicy } from '../../../src/xmpp/sasl/external.ts'
import type { Credentials, OpensslCa } from '../certificates/certificates.ts'
import { startTestServer, type TestServer } from '../servers/server.ts'
import { external, external2, RawClient } from './xmpp-client.ts'

/** Every way to a secured stream. */
export const VARIANTS = [
  { transport: 'STARTTLS', version: 'TLSv1.3' },
  { transport: 'STARTTLS', version: 'TLSv1.2' },
  { transport: 'direct TLS', version: 'TLSv1.3' },
  { transport: 'direct TLS', version: 'TLSv1.2' },
] as const

export type Variant = (typeof VARIANTS)[number]

export interface Attempt {
  readonly credentials?: Credentials | undefined
  readonly authzid?: string | undefined
  readonly from?: string | undefined
  readonly variant?: Variant | undefined
  readonly tls?: ConnectionOptions | undefined
}

/** Every way to send an authzid, or none. */
export const WAYS = ['at once', 'when asked', 'SASL2'] as const

const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

const ANSWER = /<(success|failure|challenge|stream:error)[^>]*?(?:\/>|>.*?<\/\1>)/s

/** What a client is told: its JID, a SASL condition, or a stream error. */
function tell(answer: string): string {
  return answer.startsWith('<success') ? 'success' : answer.replace(/^<[^>]*><([\w-]+).*$/s, '$1')
}

/** A client that has a secured stream and may try to log in. */
export class Login {
  readonly client: RawClient
  readonly features: string
  readonly server: TestServer

  constructor(client: RawClient, features: string, server: TestServer) {
    this.client = client
    this.features = features
    this.server = server
  }

  static async begin(server: TestServer, attempt: Attempt): Promise<Login> {
    const client = await secured(server, attempt)
    return new Login(client, await client.open(), server)
  }

  get offered(): string[] {
    const [, mechanisms = ''] = /<mechanisms [^>]*>(.*)<\/mechanisms>/.exec(this.features) ?? []
    return [...mechanisms.matchAll(/<mechanism>(.*?)<\/mechanism>/g)].map(([, name]) => name ?? '')
  }

  get logged(): Readonly<Record<string, unknown>> {
    return this.server.log.find('EXTERNAL not offered') ?? {}
  }

  /** Sends an element; a success goes on to a bound resource. */
  async say(text: string): Promise<string> {
    this.client.send(text)
    const told = tell(await this.client.receive(ANSWER))
    if (told !== 'success') return told
    await this.client.open()
    return (await this.client.bind()).replace(/\/.*$/, '')
  }

  /** EXTERNAL, the authzid along with it or in answer to a challenge (RFC 6120 §6.4.2, §6.4.3), or in SASL2. */
  async auth(authzid?: string, how: (typeof WAYS)[number] = 'at once'): Promise<string> {
    if (how === 'at once') return this.say(external(authzid))
    if (how === 'SASL2') return this.#authenticate(authzid)
    const told = await this.say(`<auth ${SASL} mechanism='EXTERNAL'/>`)
    if (!told.startsWith('<challenge')) return told
    return this.say(`<response ${SASL}>${Buffer.from(authzid ?? '').toString('base64')}</response>`)
  }

  /** XEP-0388 §2.6.1: success names the account, and the stream goes on. */
  async #authenticate(authzid?: string): Promise<string> {
    this.client.send(external2('', authzid))
    const answer = await this.client.receive(ANSWER)
    const [, account] = /<authorization-identifier>(.*?)</.exec(answer) ?? []
    return account ?? tell(answer)
  }
}

/** A connection with TLS, on which no stream has been opened since. */
export async function secured(server: TestServer, { credentials, from, variant, tls }: Attempt): Promise<RawClient> {
  const { transport, version } = variant ?? VARIANTS[0]
  const options = {
    ...(credentials === undefined ? {} : { credentials }),
    ...(from === undefined ? {} : { from }),
    tls: { minVersion: version, maxVersion: version, ...tls } as const,
  }
  server.log.lines.length = 0
  if (transport === 'direct TLS') return RawClient.direct({ port: server.tlsPort, ...options })
  const client = await RawClient.plain({ port: server.port, ...options })
  await client.open()
  await client.startTls()
  return client
}

/** One attempt to log in, on a connection of its own. */
export async function attemptAt(server: TestServer, options: Attempt) {
  const login = await Login.begin(server, options)
  const told = await login.auth(options.authzid)
  login.client.destroy()
  return { told, offered: login.offered, logged: login.logged }
}

/** Logged in with EXTERNAL, and bound to a resource of the server's choice. */
export async function onlineAt(server: TestServer, options: Attempt): Promise<RawClient> {
  const login = await Login.begin(server, options)
  const told = await login.auth(options.authzid)
  if (!told.includes('@')) throw new Error(`not logged in: ${told}`)
  return login.client
}

/** One server for each way to read names, all with the same CA; started when it is first asked for. */
export class PolicyServers {
  readonly #ca: OpensslCa
  readonly #servers = new Map<string, Promise<TestServer>>()

  constructor(ca: OpensslCa) {
    this.#ca = ca
  }

  get(policy: ExternalPolicy): Promise<TestServer> {
    const key = JSON.stringify(policy)
    const server = this.#servers.get(key) ?? startTestServer({ ca: this.#ca, login: { policy } })
    this.#servers.set(key, server)
    return server
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(async (server) => (await server).stop()))
  }
}
