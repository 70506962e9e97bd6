import type { Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { comesAlone } from './peer-certificates.ts'

interface Handshake {
  readonly socket: Socket
  /** @param received bytes that the client has sent in it */
  readonly done: (secure: TLSSocket, received: number) => void
}

/** A handshake, and the bytes that had come before it. */
interface Pending extends Handshake {
  readonly before: number
}

/**
 * A client may have sent a CA certificate that has not signed what it is named in. OpenSSL verifies by that one, and leaves
 * an error in its queue that Node.js would take for one of the connection; reading our own certificate empties the queue.
 */
function settleErrors(secure: TLSSocket): void {
  if (!comesAlone(secure)) secure.getX509Certificate()
}

/** Handshakes under way: a TLS server tells of their end by the secure socket only. */
export class Handshakes {
  /** By the port of the client: few come from the same one, and it is known already, unlike our own address. */
  readonly #pending = new Map<number | undefined, readonly Pending[]>()

  /** Several servers in turn: handshakes end with the server that they began with. */
  attach(server: TlsServer): TlsServer {
    return server.on('secureConnection', (secure) => this.#finish(secure))
  }

  begin(begun: Handshake): void {
    const { socket } = begun
    const handshake = { ...begun, before: socket.bytesRead }
    const { remotePort } = socket
    this.#pending.set(remotePort, [...(this.#pending.get(remotePort) ?? []), handshake])
    socket.once('close', () => this.#forget(remotePort, handshake))
  }

  /** Cuts off whoever has not finished. */
  abandon(): void {
    for (const { socket } of [...this.#pending.values()].flat()) socket.destroy()
  }

  #finish(secure: TLSSocket): void {
    const { remotePort } = secure
    const same = this.#pending.get(remotePort) ?? []
    const handshake = same.find(
      ({ socket }) =>
        socket.remoteAddress === secure.remoteAddress &&
        // Over one listener a client may come twice from the same port, to two of our addresses.
        (same.length === 1 || socket.localAddress === secure.localAddress),
    )
    if (handshake === undefined) {
      secure.destroy()
      return
    }
    this.#forget(remotePort, handshake)
    settleErrors(secure)
    handshake.done(secure, handshake.socket.bytesRead - handshake.before)
  }

  #forget(remotePort: number | undefined, handshake: Pending): void {
    const same = this.#pending.get(remotePort)
    if (same === undefined || !same.includes(handshake)) return
    if (same.length === 1) this.#pending.delete(remotePort)
    else
      this.#pending.set(
        remotePort,
        same.filter((other) => other !== handshake),
      )
  }
}
