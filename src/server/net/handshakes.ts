import type { Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { comesAlone } from './peer-certificates.ts'

/** Told of the end of a handshake. @param received bytes that the client has sent in it */
type Done = (secure: TLSSocket, received: number) => void

interface Pending {
  readonly socket: Socket
  /** Bytes that had come before it. */
  readonly before: number
  readonly deadline: NodeJS.Timeout | undefined
  readonly forget: () => void
  /** Undefined until the client has begun. */
  done: Done | undefined
}

/**
 * A client may have sent a CA certificate that has not signed what it is named in. OpenSSL verifies by that one, and leaves
 * an error in its queue that Node.js would take for one of the connection; reading our own certificate empties the queue.
 */
function settleErrors(secure: TLSSocket): void {
  if (!comesAlone(secure)) secure.getX509Certificate()
}

const ignore = () => undefined

/**
 * The TLS side of a connection is large, so whoever says nothing gets none. It also stays smaller when it is handed the
 * first octets: a buffer into which it reads them by itself has 64 KiB, and is kept.
 */
function onFirstOctets(socket: Socket, then: () => void): void {
  // The socket destroys itself then, but an error that nobody listens for would end the process.
  socket.on('error', ignore)
  socket.once('readable', () => {
    // The end is told of in the same way, and no handshake comes after it.
    if (socket.readableLength === 0) socket.destroy()
    else then()
  })
}

/** Handshakes under way: a TLS server tells of their end by the secure socket only. */
export class Handshakes {
  /** By the port of the client: few come from the same one, and it is known already, unlike our own address. */
  readonly #pending = new Map<number | undefined, readonly Pending[]>()

  /** Several servers in turn: handshakes end with the server that they began with. */
  attach(server: TlsServer): TlsServer {
    return server.on('secureConnection', (secure) => this.#finish(secure))
  }

  /**
   * Waits for the client to begin.
   * @param start hands the socket to a TLS server; called when the client has sent something, and not before
   * @param deadline what cuts it off when it takes too long; undefined where that is no concern of the handshake
   */
  begin(socket: Socket, start: () => Done, deadline?: NodeJS.Timeout): void {
    const { remotePort, bytesRead: before } = socket
    const forget = () => this.#forget(remotePort, handshake)
    const handshake: Pending = { socket, before, deadline, forget, done: undefined }
    this.#pending.set(remotePort, [...(this.#pending.get(remotePort) ?? []), handshake])
    socket.once('close', forget)
    onFirstOctets(socket, () => {
      handshake.done = start()
    })
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
    if (handshake?.done === undefined) {
      secure.destroy()
      return
    }
    const { socket, before, forget, done } = handshake
    socket.off('close', forget)
    forget()
    settleErrors(secure)
    done(secure, socket.bytesRead - before)
  }

  #forget(remotePort: number | undefined, handshake: Pending): void {
    clearTimeout(handshake.deadline)
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
