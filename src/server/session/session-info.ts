/** A session, for operators. */
export interface SessionInfo {
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
