import { Args } from '@oclif/core'
import { parseClientNames, remarkOnForm } from '../../cli/client-names.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import type { RevokedEnrolment } from '../../workspace/clients/revoke-enrolments.ts'
import { ACCOUNTS_FLAGS, AccountsCommand } from './accounts-command.ts'
import type { UserAccounts } from './user-accounts.ts'

/** The result of `user delete`. */
export interface UserDeleteResult {
  readonly deleted: readonly string[]
  /** What the users had enrolled themselves (XEP-0257) and was revoked: whoever gets the name later must not find it. */
  readonly enrolled: readonly RevokedEnrolment[]
  /** The sessions that the running server has ended: full JIDs. */
  readonly ended: readonly string[]
  readonly failed: readonly { readonly jid: string; readonly error: ErrorDocument }[]
}

export default class UserDelete extends AccountsCommand<UserDeleteResult> {
  static override summary = 'Delete accounts with their passwords.'

  static override description = [
    'Deletes the account of each NAME (a username or a bare JID): its password does not log in any more, and its sessions at a `serve` that runs on this workspace end. All names are checked first; one that has no account does not stop the others. A deletion is final.',
    'Certificates that the users have enrolled themselves (XEP-0257) are revoked, for whoever gets the name later. Those that were issued are something else and stay good, see `client revoke --all-devices`.',
    exitCodes({
      NOT_FOUND: 'no such account or no CA',
      CORRUPT: 'the database is damaged',
      PARTIAL: 'some users have no account',
      UNAVAILABLE: 'the database cannot be reached',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'One at the domain of the workspace:', command: '<%= config.bin %> user delete alice' },
    {
      description: 'Several at once:',
      command: '<%= config.bin %> user delete bob@example.org carol@example.net',
    },
    {
      description: 'In a script, how many there were:',
      command: '<%= config.bin %> user delete alice bob --json | jq ".deleted | length"',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', multiple: true, required: true, ignoreStdin: true }),
  }

  static override flags = ACCOUNTS_FLAGS

  async run(): Promise<UserDeleteResult> {
    const { args, flags } = await this.parse(UserDelete)
    const home = this.homeOf(flags)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const workspace = openWorkspace(home)
    try {
      const work = (accounts: UserAccounts) => this.#delete(workspace, accounts, args.name)
      const { deleted, enrolled, failed } = await this.withAccounts(flags, work)
      const ended = await this.#endSessions(home, deleted)
      const certified = await withCertificates(workspace, deleted)
      const show = () => {
        for (const jid of deleted) this.log(`${styled('bold', jid)} deleted`)
        for (const { jid, label } of enrolled) this.log(`${jid} revoked: enrolled certificate '${label}'`)
        for (const jid of ended) this.log(`ended ${jid}`)
        for (const jid of certified) {
          this.sayWarning(`${jid} has certificates that stay good; run: xmppki client revoke ${jid} --all-devices`)
        }
      }
      this.reportBatch(failed, { count: deleted.length, things: 'users', show })
      return {
        deleted,
        enrolled,
        ended,
        failed: failed.map(({ jid, error }) => ({ jid, error: errorDocument(error) })),
      }
    } finally {
      workspace.close()
    }
  }

  async #delete(workspace: Workspace, accounts: UserAccounts, given: readonly string[]) {
    const { revoke, close } = await enrolmentsOf(workspace, accounts.url)
    try {
      return await this.#deleteAll(accounts, given, revoke)
    } finally {
      await close()
    }
  }

  async #deleteAll(
    { store, names }: UserAccounts,
    given: readonly string[],
    revoke: (jid: string) => Promise<readonly RevokedEnrolment[]>,
  ) {
    const clients = parseClientNames(given, names)
    for (const remark of clients.flatMap(remarkOnForm)) this.say(`note: ${remark}`)
    const deleted: string[] = []
    const enrolled: RevokedEnrolment[] = []
    const failed: { readonly jid: string; readonly error: XmppkiError }[] = []
    for (const jid of clients.map((client) => client.jid.toString())) {
      if ((await store.find(jid)) === undefined) {
        failed.push({ jid, error: noAccount(jid) })
        continue
      }
      // First, as in band: when it fails there is still the account.
      enrolled.push(...(await revoke(jid)))
      await store.delete(jid)
      deleted.push(jid)
    }
    return { deleted, enrolled, failed }
  }

  /** The accounts are gone already, so what goes wrong here is not an error. */
  async #endSessions(home: string, jids: readonly string[]): Promise<string[]> {
    const { askServer } = await import('../../service/admin/admin-client.ts')
    const { WorkspacePaths } = await import('../../workspace/base/paths.ts')
    const socket = new WorkspacePaths(home).adminSocket
    const ended: string[] = []
    try {
      for (const jid of jids) ended.push(...(await askServer(socket, 'kill', { jid })).killed)
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      if (error.code !== 'NOT_FOUND') this.sayWarning(`sessions that are open may stay open: ${error.message}`)
    }
    return ended
  }
}

/** Revokes what users have enrolled, where it is kept. @param url of the database that has it */
async function enrolmentsOf(workspace: Workspace, url: string | undefined) {
  if (url === undefined) {
    const { revokeEnrolments } = await import('../../workspace/clients/revoke-enrolments.ts')
    const ledger = workspace.ledger()
    const revoke = async (jid: string) =>
      ledger.transaction((_insert, changes) => revokeEnrolments(ledger, changes, jid, Date.now()))
    return { revoke, close: async () => undefined }
  }
  const { DatabaseEnrolments } = await import('../../workspace/clients/database-enrolments.ts')
  const database = await DatabaseEnrolments.open(workspace, url)
  return { revoke: (jid: string) => database.revokeAll(jid, Date.now()), close: () => database.close() }
}

function noAccount(jid: string): XmppkiError {
  return new XmppkiError('NOT_FOUND', `there is no account ${jid}`, { hint: 'see: xmppki user list' })
}

/** Those of the users who have a certificate that is good. */
async function withCertificates(workspace: Workspace, jids: readonly string[]): Promise<string[]> {
  const { listClients } = await import('../../workspace/clients/list-clients.ts')
  const clients = listClients(workspace, { expiring: { milliseconds: 0 } })
  const good = clients.filter(({ state }) => state !== 'revoked' && state !== 'expired')
  const holders = new Set(good.map(({ jid }) => jid))
  return jids.filter((jid) => holders.has(jid))
}
