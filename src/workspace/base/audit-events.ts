import { hostname, userInfo } from 'node:os'
import manifest from '../../../package.json' with { type: 'json' }
import type { Actor, AuditEvent, AuditKind } from '../../store/audit.ts'
import type { CertificateId } from '../../store/certificate-id.ts'
import type { IssuedKind, IssuedRecord, Ledger, LedgerChanges, Revocation } from '../../store/ledger.ts'

let actor: Actor | undefined

/** Who this process is. */
export function currentActor(): Actor {
  actor ??= {
    user: userName(),
    ...(process.env.SUDO_USER ? { sudoUser: process.env.SUDO_USER } : {}),
    host: hostname(),
    pid: process.pid,
    version: manifest.version,
  }
  return actor
}

/** In containers there are users without a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

/** What the audit log says about which certificate. */
export function aboutRecord(record: IssuedRecord): Pick<AuditEvent, 'serial' | 'issuerId' | 'name' | 'device'> {
  const { serial, authority, name, device } = record
  return { serial, ...(authority === '' ? {} : { issuerId: authority }), name, ...(device === '' ? {} : { device }) }
}

/** How a new certificate of this kind is called in the log, if nothing else is said. */
export function issuanceOf(kind: IssuedKind): AuditKind {
  return kind === 'root' || kind === 'issuing' ? 'ca-created' : 'issued'
}

/**
 * Revokes a certificate and puts that into the audit log, unless it was revoked before; see {@link LedgerChanges.revoke}.
 * @returns the record as it is now, or undefined when there is no such certificate
 */
export function revokeAudited(
  ledger: Ledger,
  changes: LedgerChanges,
  certificate: CertificateId,
  revocation: Revocation,
): IssuedRecord | undefined {
  const before = ledger.find(certificate)
  if (before === undefined || before.revokedAt !== undefined) return before
  const { at, reason } = revocation
  changes.audit({ at, event: 'revoked', actor: currentActor(), reason, ...aboutRecord(before) })
  return changes.revoke(certificate, revocation)
}
