import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { channelBindingsOf } from '../../../src/server/net/channel-bindings.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'

const ca = new OpensslCa()
afterAll(() => ca.remove())

const server = (hash: string): Credentials => ca.issue({ subject: '/CN=localhost', hash })
const sha256 = server('sha256')

type Version = 'TLSv1.2' | 'TLSv1.3'
interface Ends {
  readonly client: TLSSocket
  readonly server: TLSSocket
}

/** Both ends of a connection, and of a second one that resumes its session if that is asked for. */
async function connected<T>(
  { key, cert }: Credentials,
  version: Version,
  look: (first: Ends, resume: () => Promise<Ends>) => T | Promise<T>,
): Promise<T> {
  const listening = createServer({ key, cert, minVersion: version, maxVersion: version }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const open: TLSSocket[] = []
  const ends = async (options: ConnectionOptions): Promise<Ends> => {
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    const [[accepted]] = await Promise.all([once(listening, 'secureConnection'), once(client, 'secureConnect')])
    open.push(client, accepted as TLSSocket)
    return { client, server: accepted as TLSSocket }
  }
  try {
    const first = await ends({})
    return await look(first, () => ends({ session: first.client.getSession() }))
  } finally {
    for (const socket of open) socket.destroy()
    listening.close()
  }
}

const values = (socket: TLSSocket) =>
  Object.fromEntries(
    [...channelBindingsOf(socket)].map(([type, value]) => [type, Buffer.from(value()).toString('hex')]),
  )

const endPoint = ({ cert }: Credentials, hash: string) =>
  createHash(hash).update(new X509Certificate(cert).raw).digest('hex')

describe('what a login can be tied to', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is over %s what the client finds as well', async (version) => {
    await connected(sha256, version, ({ client, server }) => {
      const exporter = client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)).toString('hex')
      const found = values(server)
      expect(found).toEqual({
        ...(version === 'TLSv1.3' ? { 'tls-exporter': exporter } : {}),
        'tls-server-end-point': endPoint(sha256, 'sha256'),
        'tls-unique': client.getFinished()?.toString('hex'),
      })
      // The best first.
      expect(Object.keys(found)).toEqual(
        version === 'TLSv1.3'
          ? ['tls-exporter', 'tls-server-end-point', 'tls-unique']
          : ['tls-server-end-point', 'tls-unique'],
      )
    })
  })

  it('is another one for each connection, but for the certificate', async () => {
    const of = () => connected(sha256, 'TLSv1.3', ({ server }) => values(server))
    const [one, other] = [await of(), await of()]
    expect(Object.keys(one).filter((type) => one[type] === other[type])).toEqual(['tls-server-end-point'])
  })

  it.each(['sha384', 'sha512'])(
    'has of a certificate that is signed with %s that hash (RFC 5929 §4.1)',
    async (hash) => {
      const credentials = server(hash)
      const found = await connected(credentials, 'TLSv1.3', ({ server }) => values(server))
      expect(found['tls-server-end-point']).toBe(endPoint(credentials, hash))
    },
  )

  it('is not tls-unique where a session is resumed', async () => {
    await connected(sha256, 'TLSv1.2', async (_, resume) => {
      const { server } = await resume()
      expect(server.isSessionReused()).toBe(true)
      expect(Object.keys(values(server))).toEqual(['tls-server-end-point'])
    })
  })
})
