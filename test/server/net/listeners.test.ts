import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { plainTrust } from '../../../src/server/net/client-trust.ts'
import { type Endpoint, listenerOptions } from '../../../src/server/net/endpoint.ts'
import type { ListenerOptions } from '../../../src/server/net/listener.ts'
import { Listeners } from '../../../src/server/net/listeners.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { madeRoot } from '../../support/certificates/small-pki.ts'

const root = madeRoot()
const { key, cert } = root.issue({ name: 'localhost', dnsNames: ['localhost'] }).credentials
const login = { anchors: new TrustAnchors([root.pem]) }
const credentials = [{ domain: 'localhost', key, chain: cert }]
const ANY = { host: '127.0.0.1', port: 0, mode: 'starttls' } as const

const options = (...endpoints: readonly Endpoint[]): ListenerOptions[] =>
  listenerOptions({ endpoints, credentials, startTls: 'required', limits: DEFAULT_LIMITS, login })

let open: Listeners[] = []
let clients: Socket[] = []
afterEach(() => {
  for (const listeners of open) listeners.close()
  for (const client of clients) client.destroy()
  open = []
  clients = []
})

function setUp() {
  const accepted: ListenerOptions[] = []
  let tell: () => void = () => undefined
  const listeners = new Listeners({
    accept: (_, given) => {
      accepted.push(given)
      tell()
    },
    refused: () => undefined,
    failed: () => undefined,
  })
  open.push(listeners)
  /** What holds for a client that comes to this port now; undefined when nobody listens there. */
  const arrive = async (port: number, host = '127.0.0.1'): Promise<ListenerOptions | undefined> => {
    const met = new Promise<ListenerOptions | undefined>((resolve) => {
      tell = () => resolve(accepted.at(-1))
    })
    const client = connect({ port, host })
    clients.push(client)
    const refused = once(client, 'error').then(() => undefined)
    return Promise.race([met, refused])
  }
  const become = (...endpoints: readonly Endpoint[]) => listeners.become(options(...endpoints), () => undefined)
  return { listeners, arrive, become }
}

const TRUST = plainTrust(login.anchors)

describe('the listeners of a server', () => {
  it('are there in the order of the options, each on a port of its own', async () => {
    const { listeners, arrive, become } = setUp()
    await become(ANY, { ...ANY, host: '127.0.0.2' })
    const [first = 0, second = 0] = listeners.ports
    expect((await arrive(first))?.name).toBe('127.0.0.1:0')
    expect((await arrive(second, '127.0.0.2'))?.name).toBe('127.0.0.2:0')
    listeners.close()
    expect(await arrive(first)).toBeUndefined()
  })

  it('stay where they are while everything else changes, and those that nobody wants go', async () => {
    const { listeners, arrive, become } = setUp()
    await become(ANY, ANY)
    const [first = 0, second = 0] = listeners.ports
    await become({ ...ANY, startTls: 'offered', trust: { ...TRUST, verifyMode: 'none' } })
    expect(listeners.ports).toEqual([first])
    expect(await arrive(first)).toMatchObject({ startTls: 'offered', trust: { verifyMode: 'none' } })
    expect(await arrive(second)).toBeUndefined()
  })

  it('are as wanted at the moment that they say so, and not before', async () => {
    const { listeners } = setUp()
    const seen: number[] = []
    await listeners.become(options(ANY), () => seen.push(listeners.ports.length))
    await listeners.become(options(ANY, ANY), () => seen.push(listeners.ports.length))
    expect(seen).toEqual([1, 2])
  })

  it('can give a port up for one of all interfaces', async () => {
    const { listeners, arrive, become } = setUp()
    await become(ANY)
    const [port = 0] = listeners.ports
    await become({ ...ANY, host: '0.0.0.0', port })
    expect(listeners.ports).toEqual([port])
    expect((await arrive(port))?.host).toBe('0.0.0.0')
  })

  it('are as they were when one cannot be had', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { listeners, arrive, become } = setUp()
    await become(ANY, { ...ANY, host: '127.0.0.2' })
    const before = listeners.ports
    const [first = 0, second = 0] = before
    const change = become({ ...ANY, startTls: 'offered' }, { ...ANY, port })
    await expect(change).rejects.toMatchObject({ code: 'IO', message: `127.0.0.1:${port} is already in use` })
    taken.close()
    expect(listeners.ports).toEqual(before)
    expect((await arrive(first))?.startTls).toBe('required')
    expect((await arrive(second, '127.0.0.2'))?.name).toBe('127.0.0.2:0')
  })

  it('are as they were when a key does not fit its certificate', async () => {
    const { listeners, arrive, become } = setUp()
    await become(ANY)
    const [port = 0] = listeners.ports
    const stranger = [{ domain: 'localhost', key: madeRoot('other').credentials.key, chain: cert }]
    await expect(become({ ...ANY, credentials: stranger })).rejects.toThrow()
    expect((await arrive(port))?.credentials).toBe(credentials)
  })
})
