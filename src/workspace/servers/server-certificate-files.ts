import { XmppkiError } from '../../errors.ts'
import { serverFilesIn } from '../base/server-credentials.ts'
import type { Workspace } from '../base/workspace.ts'
import { exists } from '../disk/files.ts'

/** Where the files are that a server for clients with certificates needs; absolute paths. */
export interface ServerCertificateFiles {
  /** Prepared domainpart. */
  readonly domain: string
  /** The server certificate with that of its CA behind it. */
  readonly chain: string
  readonly key: string
  /** The root CA. */
  readonly ca: string
  /** Those that there are: none before the first revocation or `ca crl`. */
  readonly crls: readonly string[]
}

/**
 * The files of the domain in this workspace.
 * @throws {XmppkiError} NOT_FOUND without a CA or a server certificate, with the command that makes it; CORRUPT, IO
 */
export function serverCertificateFiles(workspace: Workspace, domain: string): ServerCertificateFiles {
  const root = workspace.root()
  const credentials = workspace.serverCredentials(domain)
  if (credentials === undefined) {
    throw new XmppkiError('NOT_FOUND', `${domain} has no server certificate in ${workspace.paths.home}`, {
      hint: `run: xmppki server issue ${domain}`,
    })
  }
  const { chain, key } = serverFilesIn(credentials.directory)
  const crls = workspace.authorities().map(({ files }) => files.crl)
  return { domain, chain, key, ca: root.files.certificate, crls: crls.filter(exists) }
}
