import { join } from 'node:path'
import type { Configuration } from '../../config/schema.ts'
import { SERVER_FILES } from '../../workspace/base/server-credentials.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'

const ISSUING = 'issuing.crt'

/**
 * Every file that a running server is made from; where one is missing it may appear. What the workspace has issued to
 * itself stands there once more when the ledger has it: its files are in their place a moment before the commit, and
 * whoever reads them then has to read them again.
 * @param configurationFile where the configuration comes from
 * @throws {XmppkiError} CORRUPT, IO
 */
export function watchedFiles(
  workspace: Workspace,
  { general, host_config, listen, store }: Configuration,
  configurationFile: string | undefined,
): string[] {
  const { paths } = workspace
  const named = [...host_config, ...listen.c2s.map(({ tls }) => tls)].flatMap((one) => [
    one.certfile,
    one.keyfile,
    one.password_file,
  ])
  const trusted = listen.c2s.flatMap(({ tls }) => [...tls.cacertfile, ...tls.crl_files])
  const authorities = workspace.authorities().map(({ files }) => files.certificate)
  const folders = workspace.serverFolders()
  const certificates = general.hosts.flatMap((host) => {
    const folder = folders.get(host) ?? paths.server(host)
    return [join(folder, SERVER_FILES.key), join(folder, SERVER_FILES.chain)]
  })
  const own = [paths.settings, paths.rootCertificate, join(paths.issuing, ISSUING)]
  const all = [configurationFile, store.url_file, ...named, ...trusted, ...own, ...authorities, ...certificates]
  // Also a CA that is revoked: its sessions end for that reason, and not because it is gone.
  const issuing = workspace.ledger().list('issuing')
  const recorded = [
    ...issuing.map(({ directory }) => join(directory, ISSUING)),
    ...general.hosts.flatMap((host) => folders.get(host) ?? []).map((folder) => join(folder, SERVER_FILES.chain)),
  ]
  return [...new Set(all.filter((path) => path !== undefined)), ...recorded]
}
