import type { Configuration, TlsConfiguration } from '../../config/schema.ts'
import { XmppkiError } from '../../errors.ts'
import { keyAlgorithm } from '../../pki/keys/algorithms.ts'
import type { DomainCredentials } from '../../server/net/listener.ts'
import { type ServerCredentials, serverFilesIn } from '../../workspace/base/server-credentials.ts'
import type { IssuerSource, Workspace } from '../../workspace/base/workspace.ts'
import { isReadableByOthers } from '../../workspace/disk/files.ts'
import { issueServer } from '../../workspace/servers/issue-server.ts'
import { readCertificateFiles } from './certificate-files.ts'
import { assertPresentable } from './presentable.ts'

const DAY_MS = 86_400_000

/** Certificates that end sooner are worth a warning. */
const WARN_DAYS = 14

/** As long as public CAs issue them for, and well below the 825 days above which Apple's systems refuse them. */
export const SERVER_DAYS = 397

function warnAboutEnd(domain: string, { notAfter }: ServerCredentials, workspace: Workspace): void {
  const days = Math.floor((notAfter.getTime() - Date.now()) / DAY_MS)
  if (days >= WARN_DAYS) return
  const when = days < 0 ? `expired on ${notAfter.toISOString().slice(0, 10)}` : `expires in ${days} days`
  workspace.warn(`the server certificate of ${domain} ${when}; to replace it, run: xmppki server renew ${domain}`)
}

async function issueMissing(workspace: Workspace, domain: string, issuer: IssuerSource): Promise<void> {
  const algorithm = keyAlgorithm('ec:p256')
  try {
    await issueServer(workspace, {
      domains: [domain],
      days: SERVER_DAYS,
      algorithm,
      ifMissing: true,
      issuer,
    })
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    throw new XmppkiError(
      error.code,
      `${domain} has no server certificate, and none could be issued: ${error.message}`,
      {
        hint: `run: xmppki server issue ${domain}`,
        cause: error,
      },
    )
  }
}

/** What of a configuration decides about server certificates. */
export type CredentialSettings = Pick<Configuration, 'general' | 'host_config' | 'listen'>

/**
 * Key and chain of every domain, for each listener in the order of the configuration: from the files of the domain, else
 * from those of the listener, else from the workspace; what is missing there is issued by its CA.
 * @throws {XmppkiError} what `issueServer` throws, with the command that makes the certificate as its hint; what
 *   `readCertificateFiles` throws
 */
export async function listenerCredentials(
  workspace: Workspace,
  { general, host_config, listen }: CredentialSettings,
  issuer: IssuerSource,
): Promise<DomainCredentials[][]> {
  const known = new Map<string, DomainCredentials>()
  const credentialsOf = async (domain: string, tls: TlsConfiguration): Promise<DomainCredentials> => {
    const files = host_config.find(({ host }) => host === domain) ?? tls
    const { ciphers } = tls
    const name = JSON.stringify([domain, files.certfile, ciphers])
    const found = known.get(name) ?? (await makeCredentials(workspace, { domain, files, ciphers, issuer }))
    known.set(name, found)
    return found
  }
  const all: DomainCredentials[][] = []
  for (const { tls } of listen.c2s) {
    const own: DomainCredentials[] = []
    for (const domain of general.hosts) own.push(await credentialsOf(domain, tls))
    all.push(own)
  }
  return all
}

interface CredentialRequest {
  readonly domain: string
  readonly files: Pick<TlsConfiguration, 'certfile' | 'keyfile' | 'password_file'>
  readonly ciphers: string | undefined
  readonly issuer: IssuerSource
}

async function makeCredentials(
  workspace: Workspace,
  { domain, files, ciphers, issuer }: CredentialRequest,
): Promise<DomainCredentials> {
  const { certfile, keyfile, password_file: passwordFile } = files
  if (certfile !== undefined && keyfile !== undefined) {
    if (isReadableByOthers(keyfile)) {
      workspace.warn(`others than its owner may read the private key ${keyfile}; run: chmod 600 ${keyfile}`)
    }
    return readCertificateFiles(domain, { certfile, keyfile, passwordFile, ciphers }, (text) => workspace.warn(text))
  }
  if (workspace.serverCredentials(domain) === undefined) await issueMissing(workspace, domain, issuer)
  const credentials = workspace.serverCredentials(domain)
  if (credentials === undefined) throw new XmppkiError('CORRUPT', `the server certificate of ${domain} has vanished`)
  warnAboutEnd(domain, credentials, workspace)
  const { chain, key } = serverFilesIn(credentials.directory)
  const hint = `move ${credentials.directory} away and run: xmppki server issue ${domain}`
  assertPresentable(credentials, { certfile: chain, keyfile: key, ciphers, hint }, (text) => workspace.warn(text))
  return { domain, key: credentials.key, chain: credentials.chain }
}
