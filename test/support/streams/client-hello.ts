import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'

/** The octets with which a client begins a handshake; nobody is asked for them. */
export async function clientHello(version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      wire.emit('sent', chunk)
      done()
    },
  })
  const sent = once(wire, 'sent')
  const secure = connect({ socket: wire, servername: 'localhost', minVersion: version, maxVersion: version })
  secure.on('error', () => undefined)
  const [hello] = await sent
  secure.destroy()
  return hello
}
