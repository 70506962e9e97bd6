import type { Connection } from '../net/connection.ts'
import type { ClientEnd } from '../stream/stream-host.ts'

/** A client that has bound a resource, for operators. */
export interface OnlineSession {
  /** Full JID. */
  readonly jid: string
  /** When the resource was bound. */
  readonly since: Date
  /** Address and port. */
  readonly remote: string
  /** `TLSv1.3`; undefined when the connection is not encrypted. */
  readonly tls: string | undefined
  /** As SASL calls it: `EXTERNAL`, `SCRAM-SHA-256-PLUS`. */
  readonly mechanism: string
  /** Serial number of the certificate that it has logged in with; undefined for a password. Lower-case hexadecimal as in the ledger. */
  readonly serial: string | undefined
}

/** What is known of a session besides its name. */
export type SessionFacts = Omit<OnlineSession, 'jid'>

/** The facts of a client that binds now. */
export function sessionFacts(connection: Connection, { mechanism = '', proof }: ClientEnd, now: Date): SessionFacts {
  const { remote, protocol } = connection
  return { since: now, remote, tls: protocol, mechanism, serial: proof?.serial }
}
