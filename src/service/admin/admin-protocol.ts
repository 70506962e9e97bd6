/** Its number is in every request and answer; a change that old programs would misread gets a new one. */
export const ADMIN_VERSION = 1

/** Octets of one line; a larger one is not from `xmppki`. */
export const MAX_ADMIN_LINE = 65_536

/** Octets that the name of a unix socket may have everywhere (sun_path of BSD); a longer one is silently cut off. */
export const MAX_SOCKET_PATH = 103

/** What `serve status` tells. */
export interface ServeStatus {
  readonly pid: number
  /** Of xmppki and of Node. */
  readonly versions: { readonly xmppki: string; readonly node: string }
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly uptimeSeconds: number
  readonly domains: readonly string[]
  readonly listeners: readonly AdminListener[]
  /** Clients that are online. */
  readonly sessions: number
}

export interface AdminListener {
  readonly mode: 'starttls' | 'tls' | 'http'
  readonly host: string
  readonly port: number
}

/** One line of `session list`. */
export interface ListedSession {
  /** Full JID. */
  readonly jid: string
  readonly resource: string
  /** ISO 8601, UTC. */
  readonly since: string
  /** Null when the connection is not encrypted. */
  readonly tls: string | null
  readonly mechanism: string
  /** Of the certificate that it has logged in with; null for a password. */
  readonly serial: string | null
  readonly remote: string
}

/** What can be asked of a running server, and what it answers. */
export interface AdminCommands {
  status: { readonly request: object; readonly result: ServeStatus }
  sessions: { readonly request: object; readonly result: { readonly sessions: readonly ListedSession[] } }
  /** `jid` is full for one session, bare for all of an account; `killed` are full JIDs. */
  kill: { readonly request: { readonly jid: string }; readonly result: { readonly killed: readonly string[] } }
}

export type AdminCommand = keyof AdminCommands

/** The answer to one request; errors are for people. */
export type AdminAnswer<C extends AdminCommand = AdminCommand> =
  | { readonly version: number; readonly ok: true; readonly result: AdminCommands[C]['result'] }
  | { readonly version: number; readonly ok: false; readonly error: string }
