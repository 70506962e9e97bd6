import type { ClientSetup, ServerAddress } from '../../../cli/client-guides.ts'
import { XmppkiError } from '../../../errors.ts'
import type { ClientFacts } from '../../../render/client-facts.ts'
import type { Workspace } from '../../../workspace/base/workspace.ts'
import type { Client } from '../../../workspace/clients/client-folder.ts'
import { findClient, type IssuedClient } from '../../../workspace/clients/issue-client.ts'
import { exists, readTextIfAny } from '../../../workspace/disk/files.ts'

interface SetupRequest {
  readonly facts: ClientFacts
  readonly client: Client
  readonly address: ServerAddress | undefined
  readonly withPassword: boolean
}

/**
 * What a client is set up with, with the files as they lie in the workspace. Tells about those that are not there.
 * @returns the certificate as well; undefined for somebody without one, who needs none
 * @throws {XmppkiError} NOT_FOUND without a certificate when the client wants one, or without a CA; CORRUPT, IO
 */
export function clientSetup(
  workspace: Workspace,
  { facts, client, address, withPassword }: SetupRequest,
): { readonly setup: ClientSetup; readonly issued: IssuedClient | undefined } {
  const { jid, device } = client
  const ca = workspace.root().files.certificate
  const issued = findClient(workspace, client)
  if (facts.credentials !== 'password') checkFiles(workspace, facts, client, issued)
  const files = issued && {
    ...issued.files,
    passwordFile: issued.files.p12Password,
    password: withPassword ? passwordOf(workspace, issued) : undefined,
    compat: `${issued.files.p12.replace(/\.p12$/, '')}.compat.p12`,
  }
  return { setup: { jid, device, address, ca, files }, issued }
}

function checkFiles(workspace: Workspace, facts: ClientFacts, client: Client, issued: IssuedClient | undefined): void {
  const { jid, device } = client
  const name = device === '' ? `${jid}` : `${jid} (${device})`
  if (issued === undefined) {
    throw new XmppkiError('NOT_FOUND', `${name} has no certificate here that is not revoked`, {
      hint: `make one with: xmppki client issue ${jid}${device === '' ? '' : ` --device ${device}`}`,
    })
  }
  if (issued.notAfter.getTime() < Date.now()) workspace.warn(`the certificate of ${name} has expired`)
  const needed = facts.credentials === 'pem' ? (['certificate', 'key'] as const) : (['p12'] as const)
  for (const file of needed) {
    const path = issued.files[file]
    if (!exists(path)) workspace.warn(`${path} is not there: put the place where it is into the settings`)
  }
}

function passwordOf(workspace: Workspace, { jid, files }: IssuedClient): string | undefined {
  const password = files.p12Password === undefined ? undefined : readTextIfAny(files.p12Password)?.trim()
  if (password === undefined) workspace.warn(`the password of ${jid}'s bundle is not known here`)
  return password
}
