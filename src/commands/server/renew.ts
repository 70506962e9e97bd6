import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { caPassphraseFileFlag, daysFlag, expiresInFlag, keyTypeFlag, parseDomain } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { checkKeyType, notDue } from '../../cli/renewal.ts'
import { XmppkiError } from '../../errors.ts'
import type { CaBatch } from '../../workspace/base/ca-batch.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import type { RenewedServer } from '../../workspace/servers/renew-server.ts'
import { runHook } from './hook.ts'

/** A certificate that was looked at, and whether the command of --exec did its part: null when it was not run. */
interface RenewedServerDocument extends RenewedServer {
  readonly exec: 'done' | 'failed' | null
}

/** The result of `server renew`. */
export interface ServerRenewResult {
  readonly servers: readonly RenewedServerDocument[]
  readonly failed: readonly { readonly domain: string; readonly error: ErrorDocument }[]
}

export default class ServerRenew extends XmppkiCommand<ServerRenewResult> {
  static override summary = 'Replace server certificates by new ones before they expire.'

  static override description = [
    'For each DOMAIN, or for all server certificates, a new certificate for the same domains and, unless --rekey is given, for the same key. The new files take the place of the old ones under the same names, which move to a folder beside with ~ and the start of the old serial number behind the name; the old certificate stays valid until it expires. "xmppki serve" takes the new one up by itself.',
    'With --expires-in a certificate is renewed only when it is due, and otherwise left alone, which is not an error: made for cron. The passphrase of the CA key is asked for only when something is due; it comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal.',
    '--exec runs a command with /bin/sh after each certificate that was renewed, and only then: to copy it, or to make another server read it again. It finds XMPPKI_DOMAIN, XMPPKI_CERTIFICATE, XMPPKI_CHAIN, XMPPKI_PRIVATE_KEY and XMPPKI_SERIAL in its environment, and no passphrase. What it prints goes to standard error. When it fails the new certificate stays, and the exit code is 9; as it is not due any more the next run does not try again.',
    'When one of several fails the others are still done, and the exit code is 9.',
    exitCodes({
      DONE: 'done, or nothing was due',
      NOT_FOUND: 'no such certificate or no CA',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      PARTIAL: 'some domains, or the command of --exec, failed',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'Every night from cron, for ejabberd:',
      command: "<%= config.bin %> server renew --expires-in 30d --exec 'ejabberdctl reload_config'",
    },
    { description: 'One domain, now:', command: '<%= config.bin %> server renew example.org' },
    {
      description: 'A new key, and copies that Prosody may read:',
      command:
        '<%= config.bin %> server renew example.org --rekey --exec \'install -o prosody -m 600 -t /etc/prosody/certs "$XMPPKI_CHAIN" "$XMPPKI_PRIVATE_KEY" && prosodyctl reload\'',
    },
  ]

  static override args = {
    domain: Args.custom<string>({ parse: async (text) => parseDomain(text) })({
      description: 'XMPP domain (default: all that have a certificate)',
      multiple: true,
      ignoreStdin: true,
    }),
  }

  static override flags = {
    'expires-in': expiresInFlag(),
    exec: Flags.string({
      summary: 'command to run after a renewal',
      helpValue: 'COMMAND',
      env: 'XMPPKI_RENEW_EXEC',
    }),
    days: daysFlag({ summary: 'how long the new certificates are valid', default: 397, env: 'XMPPKI_SERVER_DAYS' }),
    rekey: Flags.boolean({ summary: 'make new keys', env: 'XMPPKI_REKEY' }),
    'key-type': keyTypeFlag({ summary: 'type of the keys that --rekey makes (default: that of the old key)' }),
    'passphrase-file': caPassphraseFileFlag,
  }

  async run(): Promise<ServerRenewResult> {
    const { args, flags } = await this.parse(ServerRenew)
    checkKeyType(flags.rekey, this.argv)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { renewServers } = await import('../../workspace/servers/renew-server.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const batch = await renewServers(workspace, await this.#domains(workspace, args.domain ?? []), {
        ...(flags['key-type'] === undefined ? {} : { algorithm: flags['key-type'] }),
        ...(flags['expires-in'] === undefined ? {} : { due: flags['expires-in'] }),
        days: flags.days,
        rekey: flags.rekey,
        issuer: workspace.issuerSource((key) => readCaPassphrase({ key, file: flags['passphrase-file'], warn })),
      })
      return await this.#finish(batch, flags.exec)
    } finally {
      workspace.close()
    }
  }

  async #domains(workspace: Workspace, named: readonly string[]): Promise<string[]> {
    if (named.length > 0) return [...new Set(named)]
    const { renewableServers } = await import('../../workspace/servers/renew-server.ts')
    // The message of a folder without a workspace says more than that there is nothing.
    workspace.root()
    return renewableServers(workspace)
  }

  async #finish({ done, failed }: CaBatch<string, RenewedServer>, command: string | undefined) {
    this.reportBatch(failed, {
      count: done.length,
      things: 'renewals',
      show: () => {
        for (const server of done) this.#show(server)
        if (done.length === 0 && failed.length === 0) this.say('no server certificate that could be renewed')
      },
    })
    const servers: RenewedServerDocument[] = []
    for (const server of done) servers.push({ ...server, exec: await this.#exec(server, command) })
    return {
      servers,
      failed: failed.map(({ item: domain, error }) => ({ domain, error: errorDocument(error) })),
    }
  }

  async #exec({ domains, renewed, serial, files }: RenewedServer, command: string | undefined) {
    if (!renewed || command === undefined) return null
    const [domain = ''] = domains
    const failure = await runHook(command, {
      XMPPKI_DOMAIN: domain,
      XMPPKI_CERTIFICATE: files.certificate,
      XMPPKI_CHAIN: files.chain,
      XMPPKI_PRIVATE_KEY: files.key,
      XMPPKI_SERIAL: serial,
    })
    if (failure === undefined) return 'done'
    this.reportRest(
      new XmppkiError('PARTIAL', `the command after the renewal of ${domain} failed: ${failure}`, {
        hint: `the new certificate stays; put right what failed, then run by hand: ${command}`,
      }),
    )
    return 'failed'
  }

  #show({ domains, renewed, directory, notAfter, previous }: RenewedServer): void {
    const name = styled('bold', domains.join(', '))
    if (!renewed) {
      this.log(`${name} ${notDue(notAfter)}`)
      return
    }
    this.log(`${name} renewed`)
    const rows = columns([
      ['folder', directory],
      ['valid until', day(notAfter)],
      ['old one', `valid until ${day(previous?.notAfter ?? notAfter)}, in ${previous?.directory}`],
    ])
    for (const row of rows) this.log(row)
  }
}
