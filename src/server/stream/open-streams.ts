import type { Jid } from '../../xmpp/address/jid.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import type { SessionStream } from '../session/session.ts'
import { ClientStream } from './client-stream.ts'
import type { StreamHost } from './stream-host.ts'

/** A connection whose events somebody has to take. */
export interface AttachableTransport extends Transport {
  /** Starts to deliver events; called once. */
  attach(events: TransportEvents): void
}

/** The streams whose connections are open. */
export class OpenStreams {
  // Not a weak one: the garbage collector pays for each entry of those again and again.
  readonly #streams = new Map<SessionStream, ClientStream>()
  #emptied: (() => void) | undefined

  /** Begins with a stream on a connection. */
  accept(transport: AttachableTransport, host: StreamHost): void {
    const stream = new ClientStream(host, transport)
    this.#streams.set(stream, stream)
    transport.attach(stream)
  }

  closed(stream: SessionStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size === 0) this.#emptied?.()
  }

  /** Those of an account, whether or not they have bound a resource; or all. @param account bare */
  close(error: StreamError, account?: Jid): void {
    for (const stream of [...this.#streams.values()]) {
      if (account === undefined || stream.account?.equals(account)) stream.close(error)
    }
  }

  /** Resolves when all are closed, or after so many milliseconds. */
  async empty(patienceMs: number): Promise<void> {
    if (this.#streams.size === 0) return
    await new Promise<void>((resolve) => {
      this.#emptied = resolve
      setTimeout(resolve, patienceMs).unref()
    })
  }
}
