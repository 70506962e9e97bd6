import type { Connection } from './connection.ts'
import type { LoginProof } from './session-guard.ts'

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
  readonly mechanism: 'EXTERNAL'
  /** Serial number of the certificate that it has logged in with, lower-case hexadecimal as in the ledger. */
  readonly serial: string | undefined
}

/** What is known of a session besides its name. */
export type SessionFacts = Omit<OnlineSession, 'jid'>

/** The facts of a connection whose client binds now, after this login. */
export function sessionFacts({ remote, protocol }: Connection, proof: LoginProof | undefined, now: Date): SessionFacts {
  return { since: now, remote, tls: protocol, mechanism: 'EXTERNAL', serial: proof?.serial }
}
