import type { XmppkiError } from '../../errors.ts'
import { tryParseJid } from '../../xmpp/address/jid.ts'
import { forEachWithCa } from '../base/ca-batch.ts'
import type { Workspace } from '../base/workspace.ts'
import { type CrlRequest, type CrlRun, publishCrls } from '../ca/publish-crl.ts'
import type { Client } from './client-folder.ts'
import { holdersInUse } from './list-clients.ts'
import { type RenewalRequest, type RenewedClient, renewClient } from './renew-client.ts'

/** As for one client, but for many: only the names and devices differ. */
export interface RenewalBatch extends Omit<RenewalRequest, 'jid' | 'device'> {
  readonly clients: readonly Client[]
  /** How long the CRL is good for, where one is written. */
  readonly crlDays: number
}

export interface RenewalBatchResult extends Pick<CrlRun<unknown>, 'crls' | 'unsigned'> {
  /** Also those that were not due. */
  readonly done: readonly RenewedClient[]
  readonly failed: readonly { readonly client: Client; readonly error: XmppkiError }[]
}

/** Every user and device with a certificate that is neither expired nor revoked. @throws {XmppkiError} CORRUPT, IO */
export function renewableClients(workspace: Workspace, now = new Date()): Client[] {
  return holdersInUse(workspace, now).flatMap(({ jid: text, device }) => {
    // What was imported may have a name that is not an account.
    const jid = tryParseJid(text)
    return jid?.local === undefined ? [] : [{ jid, device }]
  })
}

/**
 * Renews one after the other; one that fails does not stop the others. The CA is unlocked only when one is due, and one
 * CRL of each CA is written at the end for all that were revoked.
 * @throws {XmppkiError} what `issuer` throws; IO, CORRUPT about the CRL
 */
export async function renewClients(workspace: Workspace, batch: RenewalBatch): Promise<RenewalBatchResult> {
  const { clients, crlDays, ...common } = batch
  const { done, failed } = await forEachWithCa(clients, batch.issuer, ({ jid, device }, issuer) =>
    renewClient(workspace, { ...common, issuer, jid, device }),
  )
  const { crls, unsigned } = await publishSuperseded(workspace, done, {
    issuer: batch.issuer,
    days: crlDays,
    now: batch.now ?? new Date(),
  })
  return { done, failed: failed.map(({ item: client, error }) => ({ client, error })), crls, unsigned }
}

/**
 * Writes the CRLs of the CAs that issued what was revoked as superseded; none where nothing was.
 * @throws {XmppkiError} IO, CORRUPT
 */
export function publishSuperseded(
  workspace: Workspace,
  done: readonly Pick<RenewedClient, 'previous'>[],
  request: Omit<CrlRequest, 'of'>,
): Promise<CrlRun<unknown>> {
  const ledger = workspace.ledger()
  const of = done.flatMap(({ previous }) =>
    previous?.revoked
      ? ledger.listBySerial(previous.serial).filter(({ directory }) => directory === previous.directory)
      : [],
  )
  return publishCrls(workspace, { ...request, of }, () => undefined)
}
