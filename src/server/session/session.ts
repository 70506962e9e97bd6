import type { Jid } from '../../xmpp/address/jid.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { LoginProof } from '../login/certificate-watch.ts'
import type { ClientEnd } from '../stream/stream-host.ts'
import type { BoundSession } from './session-registry.ts'

/** A client that has bound a resource. */
export class OnlineClient implements BoundSession {
  priority: number | undefined
  readonly jid: Jid
  readonly account: Jid
  readonly agent: string | undefined
  readonly proof: LoginProof | undefined
  readonly secured: boolean
  readonly listener: string
  readonly #end: ClientEnd

  constructor(jid: Jid, agent: string | undefined, end: ClientEnd, listener: string) {
    this.jid = jid
    this.account = jid.bare()
    this.agent = agent
    this.proof = end.proof
    this.secured = end.secured
    this.#end = end
    this.listener = listener
  }

  deliver(stanza: string): void {
    this.#end.deliver(stanza)
  }

  close(error: StreamError): void {
    this.#end.close(error)
  }
}
