import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { isGiven } from '../../cli/environment.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { domainFlag, pathFlag } from '../../cli/flags.ts'
import { XmppkiError } from '../../errors.ts'
import { shellWord } from '../../render/quote.ts'
import type { ReadTemplate, ServerRequest } from '../../render/rendered-server.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'

const TARGETS = ['mongooseim', 'ejabberd', 'prosody', 'nginx', 'systemd'] as const

/** Those that read certificates. */
const XMPP_SERVERS = ['mongooseim', 'ejabberd', 'prosody'] as const

type Target = (typeof TARGETS)[number]

/** The result of `config render`. */
export interface ConfigRenderResult {
  readonly target: Target
  readonly domain: string
  /** The text of the configuration. */
  readonly text: string
  /** The files that were written; none when the text went to standard output. */
  readonly written: readonly string[]
  /** What to know before it is used. */
  readonly warnings: readonly string[]
}

/** What was asked for. */
interface Choice {
  readonly target: Target
  readonly passwords: boolean
  readonly format: 'cfg' | 'toml'
  /** Undefined: that of the workspace. */
  readonly domain: string | undefined
  readonly files: string | undefined
  readonly out: string | undefined
}

interface WholeFile {
  readonly path: string
  readonly content: string
}

interface Rendered {
  readonly text: string
  /** What must lie beside it. */
  readonly companions?: readonly WholeFile[]
  readonly warnings?: readonly string[]
}

export default class ConfigRender extends XmppkiCommand<ConfigRenderResult> {
  static override summary = 'Write the configuration of an XMPP server, of nginx or of systemd for certificate login.'

  static override description = [
    'A complete file with comments for TARGET: MongooseIM (TOML of today, or with --format cfg the Erlang terms of releases up to 3.7), ejabberd or Prosody, so that clients with a certificate of this CA log in there; nginx, to pass XMPP on unopened and to publish CRLs and OCSP; systemd, to run "xmppki serve" as a service. It goes to standard output, or to --out; a file that is there already stays as it is (exit code 3).',
    'The paths are those of the workspace: the server certificate of "server issue" for the domain, the root CA, the CRLs. What is missing is named with the command that makes it. Other servers run as users of their own and cannot read the workspace: with --files the configuration names copies in that folder, and says at its top how to make them and how "server renew --exec" does it again.',
    'With --auth rdbms+pki accounts with passwords may log in as well; write the password of the database into the file.',
    'Prosody needs a module for this, mod_auth_xmppki.lua: with --out it is written beside the configuration, otherwise the configuration points to the one of this installation.',
    exitCodes({
      EXISTS: 'a file is there already',
      NOT_FOUND: 'no CA, or no server certificate for the domain',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'MongooseIM, certificates alone:',
      command: '<%= config.bin %> config render mongooseim --out mongooseim.toml',
    },
    {
      description: 'The Erlang terms of an older one, certificates or passwords:',
      command: '<%= config.bin %> config render mongooseim --format cfg --auth rdbms+pki',
    },
    {
      description: 'Prosody with the module that it needs:',
      command: '<%= config.bin %> config render prosody --files /etc/prosody/certs --out /etc/prosody/prosody.cfg.lua',
    },
    {
      description: 'Run "xmppki serve" as a service:',
      command: '<%= config.bin %> config render systemd --out /etc/systemd/system/xmppki.service',
    },
  ]

  static override args = {
    target: Args.string({ description: 'what to configure', required: true, options: TARGETS, ignoreStdin: true }),
  }

  static override flags = {
    auth: Flags.option({ options: ['pki', 'rdbms+pki'] as const })({
      summary: 'who may log in: certificates, or certificates and passwords',
      default: 'pki',
      env: 'XMPPKI_RENDER_AUTH',
    }),
    format: Flags.option({ options: ['toml', 'cfg'] as const })({
      summary: 'notation of MongooseIM: TOML, or Erlang terms (up to 3.7)',
      default: 'toml',
      env: 'XMPPKI_RENDER_FORMAT',
    }),
    domain: domainFlag({ summary: 'domain to serve (default: that of the workspace)', env: 'XMPPKI_DOMAIN' }),
    files: pathFlag({
      summary:
        'folder with copies of certificates, key and CRLs that the server may read (default: those of the workspace)',
      env: 'XMPPKI_RENDER_FILES',
    }),
    out: pathFlag({ summary: 'file to write (default: standard output)', env: 'XMPPKI_RENDER_OUT' }),
  }

  async run(): Promise<ConfigRenderResult> {
    const { args, flags } = await this.parse(ConfigRender)
    const target = args.target as Target
    this.#checkFlags(target)
    const { format, files, out } = flags
    const choice = { target, domain: flags.domain, passwords: flags.auth === 'rdbms+pki', format, files, out }
    const { domain, text, companions = [], warnings = [] } = await this.#renderFrom(this.homeOf(flags), choice)
    for (const warning of warnings) this.sayWarning(warning)
    if (out === undefined) this.log(text.trimEnd())
    const written = out === undefined ? [] : await this.#write({ path: out, content: text }, companions)
    return { target, domain, text, written, warnings }
  }

  async #renderFrom(home: string, choice: Choice): Promise<Rendered & { readonly domain: string }> {
    // A service can be set up before its workspace.
    if (choice.target === 'systemd' && choice.domain !== undefined) return this.#renderSystemd(choice.domain, choice)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const workspace = openWorkspace(home, { warn: (text) => this.sayWarning(text) })
    try {
      const domain = choice.domain ?? workspace.defaultDomain
      const rendered = await this.#render(workspace, domain, choice)
      return { ...rendered, domain, warnings: warningsFor(choice.target, workspace) }
    } finally {
      workspace.close()
    }
  }

  /** An environment variable may set them for all targets: only the flag is a contradiction. */
  #checkFlags(target: Target): void {
    const needs = [
      ['format', ['mongooseim']],
      ['auth', XMPP_SERVERS],
      ['files', XMPP_SERVERS],
    ] as const
    for (const [flag, targets] of needs) {
      if (!isGiven(flag, this.argv) || targets.some((one) => one === target)) continue
      throw new XmppkiError('USAGE', `--${flag} has no effect on ${target}`, {
        hint: `it is for ${targets.join(', ')}`,
      })
    }
  }

  readonly #template: ReadTemplate = (name) => {
    const source = join(this.config.root, 'templates', name)
    return { text: readFileSync(source, 'utf8'), source }
  }

  async #render(workspace: Workspace, domain: string, choice: Choice): Promise<Rendered> {
    const { target, passwords, files: copies } = choice
    const command = commandOf(domain, choice)
    if (target === 'systemd') return this.#renderSystemd(domain, choice)
    if (target === 'nginx') {
      const { renderNginx } = await import('../../render/nginx.ts')
      const url = workspace.settings.pkiUrl ?? likelyUrl(domain)
      return { text: renderNginx({ url: new URL(url), command }, this.#template) }
    }
    const { serverCertificateFiles } = await import('../../workspace/servers/server-certificate-files.ts')
    const request = { files: serverCertificateFiles(workspace, domain), copies, passwords, command }
    if (target === 'prosody') return this.#renderProsody(request, choice.out)
    if (target === 'ejabberd') {
      const { renderEjabberd } = await import('../../render/ejabberd.ts')
      return { text: renderEjabberd(request, this.#template) }
    }
    const { renderMongooseimCfg, renderMongooseimToml } = await import('../../render/mongooseim.ts')
    return { text: (choice.format === 'cfg' ? renderMongooseimCfg : renderMongooseimToml)(request, this.#template) }
  }

  async #renderSystemd(domain: string, choice: Choice) {
    const { renderSystemd } = await import('../../render/systemd.ts')
    const program = [process.execPath, join(this.config.root, 'bin', 'xmppki.cjs')]
    return { domain, text: renderSystemd({ domain, program, command: commandOf(domain, choice) }, this.#template) }
  }

  async #renderProsody(request: ServerRequest, out: string | undefined): Promise<Rendered> {
    const { PROSODY_MODULE, renderProsody } = await import('../../render/prosody.ts')
    const { text: content, source } = this.#template(PROSODY_MODULE)
    if (out === undefined) return { text: renderProsody(request, dirname(source), this.#template) }
    const folder = dirname(out)
    const path = join(folder, 'mod_auth_xmppki.lua')
    return { text: renderProsody(request, folder, this.#template), companions: [{ path, content }] }
  }

  /** Nothing is written unless all of it can be; a companion that is there already may be the same. */
  async #write(main: WholeFile, companions: readonly WholeFile[]): Promise<string[]> {
    const { createWholeFile, exists, PUBLIC_FILE, readTextIfAny, SECRET_FILE } = await import(
      '../../workspace/disk/files.ts'
    )
    const files = [...companions.filter(({ path, content }) => readTextIfAny(path) !== content), main]
    const taken = files.find(({ path }) => exists(path))
    if (taken !== undefined) {
      throw new XmppkiError('EXISTS', `${taken.path} is already there`, {
        hint: 'give another name with --out, or move it away',
      })
    }
    for (const { path, content } of files) {
      createWholeFile(path, { content, mode: PASSWORD_HERE.test(content) ? SECRET_FILE : PUBLIC_FILE })
      this.log(`wrote ${path}`)
    }
    return files.map(({ path }) => path)
  }
}

/** Where the templates leave room for the password of a database, comments included. */
const PASSWORD_HERE = /change me/

/** How the same text is made again. */
function commandOf(domain: string, { target, passwords, format, files }: Choice): string {
  const words = ['xmppki', 'config', 'render', target, '--domain', domain]
  if (target === 'mongooseim' && format === 'cfg') words.push('--format', 'cfg')
  if (!XMPP_SERVERS.some((one) => one === target)) return words.join(' ')
  if (passwords) words.push('--auth', 'rdbms+pki')
  if (files !== undefined) words.push('--files', shellWord(files))
  return words.join(' ')
}

/** A domain that is an address has no names below it. */
function likelyUrl(domain: string): string {
  const url = `http://pki.${domain}`
  return URL.canParse(url) ? url : `http://${domain}`
}

const NO_URL =
  'certificates do not say where CRLs and OCSP are; before you issue more, run: xmppki ca url http://pki.example.org'
const NO_CRL =
  'there is no CRL yet, so what is revoked later would still log in; run: xmppki ca crl, then this command again'
const ISSUING_CA =
  'clients must send the certificate of the issuing CA along; bundles have it, and so has client export --format chain'

/** What to know before the configuration is used. */
function warningsFor(target: Target, workspace: Workspace): string[] {
  if (target === 'systemd') return []
  if (target === 'nginx') return workspace.settings.pkiUrl === undefined ? [NO_URL] : []
  const authorities = workspace.authorities()
  // The other servers do not heed CRLs.
  const lacksCrl = target === 'prosody' && !authorities.every(({ files }) => existsSync(files.crl))
  return [...(lacksCrl ? [NO_CRL] : []), ...(authorities.length > 1 ? [ISSUING_CA] : [])]
}
