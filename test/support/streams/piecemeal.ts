import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** A way to a server on which everything that a client sends arrives in small pieces, as over a network of small packets. */
export interface Piecemeal {
  readonly port: number
  stop(): void
}

/** @param bytes of a piece; the server reads each by itself if it runs in the same process */
export async function piecemeal(target: number, bytes: number): Promise<Piecemeal> {
  const proxy = createServer((client) => {
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true })
    server.pipe(client)
    let last = Promise.resolve()
    const forward = async (data: Buffer) => {
      for (let at = 0; at < data.length; at += bytes) {
        server.write(data.subarray(at, at + bytes))
        await nextTurn()
        await nextTurn()
      }
    }
    client.on('data', (data: Buffer) => {
      last = last.then(() => forward(data))
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined)
      one.once('close', () => other.destroy())
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return { port: (proxy.address() as AddressInfo).port, stop: () => proxy.close() }
}
