import { basename, dirname } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../../cli/base-command.ts'
import { addressOf, CLIENT_ADDRESS_FLAGS } from '../../../cli/client-address.ts'
import type { ClientGuides, ClientSetup } from '../../../cli/client-guides.ts'
import { parseClientNames } from '../../../cli/client-names.ts'
import { exitCodes } from '../../../cli/exit-codes.ts'
import { deviceFlag, domainFlag, pathFlag } from '../../../cli/flags.ts'
import { XmppkiError } from '../../../errors.ts'
import { CLIENTS, type ClientFacts, clientFacts, namesOf } from '../../../render/client-facts.ts'
import type { Workspace } from '../../../workspace/base/workspace.ts'
import type { Client } from '../../../workspace/clients/client-folder.ts'
import type { IssuedClient } from '../../../workspace/clients/issue-client.ts'

const FORMATS = ['text', 'markdown', 'html', 'settings'] as const

type Format = (typeof FORMATS)[number]

/** The result of `config render client`. */
export interface ConfigRenderClientResult {
  readonly client: string
  readonly jid: string
  readonly device: string
  /** Whether it logs in with the certificate; otherwise a password is needed. */
  readonly certificate: boolean
  readonly format: Format
  /** Null for standard output. */
  readonly out: string | null
  readonly text: string
}

interface RenderFlags {
  readonly user: string
  readonly domain: string | undefined
  readonly device: string
  readonly host: string | undefined
  readonly port: number | undefined
  readonly format: Format
  readonly 'with-password': boolean
}

export default class ConfigRenderClient extends XmppkiCommand<ConfigRenderClientResult> {
  static override summary = 'Print how to set up an XMPP client for a user: steps and settings to copy.'

  static override description = [
    'The steps for CLIENT with the address, the paths, the trust of our CA as they are for this user, and where to connect if --host or --port say so. For a client that cannot present a certificate today it says so and shows the way with a password.',
    `With a certificate: ${namesOf(CLIENTS.filter(({ credentials }) => credentials !== 'password'))}. With a password: ${namesOf(CLIENTS.filter(({ credentials }) => credentials === 'password'))}.`,
    'The format settings is the content of the settings file alone, or the program; html is a page to print. The settings trust the root CA of the workspace: where the server has a certificate of a public CA, leave that line out.',
    exitCodes({
      EXISTS: 'the file is there already',
      NOT_FOUND: 'the user has no certificate, or there is no CA',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'Poezio on this machine:', command: '<%= config.bin %> config render client poezio --user alice' },
    {
      description: 'A bot, as a Python program that runs:',
      command: '<%= config.bin %> config render client slixmpp --user bot --format settings --out bot.py',
    },
    {
      description: 'A page to print about the phone of alice, for a server that DNS does not know:',
      command:
        '<%= config.bin %> config render client conversations --user alice --device phone --host 192.0.2.7 --format html --out phone.html',
    },
  ]

  static override args = {
    client: Args.string({ description: 'the client', options: CLIENTS.map(({ id }) => id), required: true }),
  }

  static override flags = {
    user: Flags.string({
      summary: 'username or bare JID',
      helpValue: 'USER',
      required: true,
      env: 'XMPPKI_RENDER_CLIENT_USER',
    }),
    domain: domainFlag({
      summary: 'domain of a name without one (default: that of the workspace)',
      env: 'XMPPKI_DOMAIN',
    }),
    device: deviceFlag({
      summary: 'the device of the user (default: the main one)',
      default: '',
      env: 'XMPPKI_DEVICE',
    }),
    ...CLIENT_ADDRESS_FLAGS,
    format: Flags.option({
      summary: 'form of the answer',
      options: FORMATS,
      default: 'text' as const,
      env: 'XMPPKI_RENDER_CLIENT_FORMAT',
    })(),
    out: pathFlag({ summary: 'new file to write (default: standard output)', env: 'XMPPKI_RENDER_CLIENT_OUT' }),
    'with-password': Flags.boolean({
      summary: 'show the password of the bundle, not the file that it is in',
      env: 'XMPPKI_WITH_PASSWORD',
    }),
  }

  async run(): Promise<ConfigRenderClientResult> {
    const { args, flags } = await this.parse(ConfigRenderClient)
    const { openWorkspace } = await import('../../../workspace/base/workspace.ts')
    const facts = clientFacts(args.client)
    const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
    try {
      const domain = flags.domain ?? workspace.defaultDomain
      const [named] = parseClientNames([flags.user], { domain, explicit: flags.domain !== undefined })
      if (named === undefined) throw new XmppkiError('USAGE', 'missing flag: --user')
      const client = { jid: named.jid, device: flags.device }
      const text = await this.#render(workspace, facts, client, flags)
      if (flags.out === undefined) this.log(text.trimEnd())
      else await this.#write(flags.out, text, flags['with-password'])
      return {
        client: facts.id,
        jid: client.jid.toString(),
        device: client.device,
        certificate: facts.credentials !== 'password',
        format: flags.format,
        out: flags.out ?? null,
        text,
      }
    } finally {
      workspace.close()
    }
  }

  async #render(workspace: Workspace, facts: ClientFacts, client: Client, flags: RenderFlags): Promise<string> {
    const { ClientGuides } = await import('../../../cli/client-guides.ts')
    const { clientSetup } = await import('./client-setup.ts')
    const { guideText } = await import('../../../render/guide-text.ts')
    const { guideMarkdown } = await import('../../../render/guide-markdown.ts')
    const { settingsOf } = await import('../../../render/guide.ts')
    const address = addressOf(flags, client.jid.domain)
    const withPassword = flags['with-password']
    const { setup, issued } = clientSetup(workspace, { facts, client, address, withPassword })
    const guides = new ClientGuides(this.config.root)
    const guide = guides.guide(facts, setup)
    if (flags.format === 'text') return guideText(guide)
    if (flags.format === 'markdown') return guideMarkdown(guide)
    if (flags.format === 'settings') return settingsOf(guide) ?? raiseNoSettings(facts)
    const isHolder = facts.credentials !== 'password'
    return page(guides, { facts, workspace, setup, issued: isHolder ? issued : undefined })
  }

  async #write(path: string, text: string, isSecret: boolean): Promise<void> {
    const { createWholeFile, exists, PUBLIC_FILE, SECRET_FILE } = await import('../../../workspace/disk/files.ts')
    if (exists(path)) {
      throw new XmppkiError('EXISTS', `${path} is already there`, { hint: 'nothing was written; give another --out' })
    }
    createWholeFile(path, { content: text, mode: isSecret ? SECRET_FILE : PUBLIC_FILE })
    this.log(`wrote ${path}`)
  }
}

function page(
  guides: ClientGuides,
  about: {
    readonly facts: ClientFacts
    readonly workspace: Workspace
    readonly setup: ClientSetup
    readonly issued: IssuedClient | undefined
  },
): string {
  const { facts, workspace, setup, issued } = about
  return guides.sheet({
    jid: setup.jid.toString(),
    address: setup.address,
    certificate: issued && {
      device: issued.device,
      notAfter: issued.notAfter,
      bundle: basename(issued.files.p12),
      directory: dirname(issued.files.p12),
      password: setup.files?.password,
    },
    caFingerprint: workspace.root().fingerprint,
    guides: [guides.guide(facts, setup)],
  })
}

/** @throws {XmppkiError} USAGE */
function raiseNoSettings({ name }: ClientFacts): never {
  throw new XmppkiError('USAGE', `there is no settings file for ${name}, only steps`, {
    hint: 'omit --format, or choose text, markdown or html',
  })
}
