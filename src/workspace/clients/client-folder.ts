import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { clientFolderName } from '../base/paths.ts'
import type { Workspace } from '../base/workspace.ts'
import { diskName } from '../disk/disk-name.ts'
import { exists, withIo } from '../disk/files.ts'

/** Whom the certificate is for. */
export interface Client {
  /** A bare JID with a localpart. */
  readonly jid: Jid
  /** The empty string is the user's main device. */
  readonly device: string
}

/** Absolute paths. */
export interface ClientFiles {
  readonly key: string
  readonly csr: string
  readonly certificate: string
  readonly p12: string
  /** Only where the password was generated. */
  readonly p12Password?: string
}

/** The client as the ledger knows it. */
export function holderOf({ jid, device }: Client) {
  return { kind: 'client', name: jid.toString(), device } as const
}

/** The names of the files in a client's folder. */
export function fileNamesOf({ jid }: Client): Required<ClientFiles> {
  const base = diskName(jid.local ?? '')
  return {
    key: `${base}.key`,
    csr: `${base}.csr`,
    certificate: `${base}.crt`,
    p12: `${base}.p12`,
    p12Password: `${base}.p12.password`,
  }
}

/**
 * Whether the folder of the record is there for this client alone, so that it may be moved as a whole. What was imported
 * may lie in a folder with other things, the home of somebody included.
 */
export function isOwnFolder(workspace: Workspace, { directory }: IssuedRecord, { jid, device }: Client): boolean {
  const [name] = basename(directory).split('~')
  if (name !== clientFolderName(jid.local ?? '', device).split('~')[0] || !exists(directory)) return false
  if (dirname(directory) === workspace.paths.clients(jid.domain)) return true
  const base = `${diskName(jid.local ?? '')}.`
  return withIo(`read ${directory}`, () => readdirSync(directory)).every((entry) => entry.startsWith(base))
}
