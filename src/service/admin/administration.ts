import manifest from '../../../package.json' with { type: 'json' }
import { XmppkiError } from '../../errors.ts'
import type { Log } from '../../server/log.ts'
import type { XmppServer } from '../../server/server.ts'
import type { SessionInfo } from '../../server/session/session-info.ts'
import { withLock } from '../../store/sqlite/lock.ts'
import type { WorkspacePaths } from '../../workspace/base/paths.ts'
import { type Jid, tryParseJid } from '../../xmpp/address/jid.ts'
import type { AdminListener, ListedSession, ServeStatus } from './admin-protocol.ts'
import { type AdminSocket, openAdminSocket } from './admin-socket.ts'

/** Where a server can be reached, looked up at every use: a reload may change it. */
interface Place {
  readonly domains: readonly string[]
  readonly listeners: readonly AdminListener[]
  readonly http: { readonly host: string; readonly port: number } | undefined
}

/** Lets the operator see and end the sessions of a running server; undefined when the socket cannot be had. */
export function startAdministration(
  server: XmppServer,
  paths: WorkspacePaths,
  place: Place,
  log: Log,
): Promise<AdminSocket | undefined> {
  const started = new Date()
  const status = (): ServeStatus => ({
    pid: process.pid,
    versions: { xmppki: manifest.version, node: process.versions.node },
    startedAt: started.toISOString(),
    uptimeSeconds: Math.floor((Date.now() - started.getTime()) / 1000),
    domains: place.domains,
    listeners: [...place.listeners, ...(place.http === undefined ? [] : [{ mode: 'http' as const, ...place.http }])],
    sessions: server.online,
  })
  const handlers = {
    status,
    sessions: () => ({ sessions: server.sessions().map(listed) }),
    kill: ({ jid }: Readonly<Record<string, unknown>>) => {
      const target = targetOf(jid)
      // RFC 6120 §4.9.3.14: the local policy is what the operator says.
      const killed = server.closeSessions(target, {
        condition: 'policy-violation',
        text: 'the session was ended by an administrator',
      })
      if (killed.length > 0) log.info({ jid: target.toString(), killed }, 'sessions ended by an administrator')
      return { killed }
    },
  }
  const exclusively = (work: () => Promise<boolean>) => withLock(paths.adminLock, work)
  return openAdminSocket({ path: paths.adminSocket, exclusively }, handlers, log)
}

function targetOf(value: unknown): Jid {
  const jid = typeof value === 'string' ? tryParseJid(value) : undefined
  if (jid?.local !== undefined) return jid
  throw new XmppkiError('BAD_NAME', 'not a JID with a localpart')
}

function listed({ jid, since, tls, mechanism, serial, remote }: SessionInfo): ListedSession {
  const resource = jid.slice(jid.indexOf('/') + 1)
  return { jid, resource, since: since.toISOString(), tls: tls ?? null, mechanism, serial: serial ?? null, remote }
}
