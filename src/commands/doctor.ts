import { Flags, type Interfaces } from '@oclif/core'
import { XmppkiCommand } from '../cli/base-command.ts'
import { parseClientNames } from '../cli/client-names.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { domainFlag, pathFlag, secretFileFlag } from '../cli/flags.ts'
import { type HostPort, parseHostPort } from '../cli/host-port.ts'
import { readInputFile } from '../cli/input-file.ts'
import { styled } from '../cli/output.ts'
import { readSecretFile } from '../cli/secret.ts'
import { STORE_FLAGS, storePlace } from '../cli/serve-flags.ts'
import type { ClientCredentials, HomeCa } from '../doctor/client-certificate.ts'
import type { Finding, FindingState } from '../doctor/finding.ts'
import { XmppkiError } from '../errors.ts'
import type { Workspace } from '../workspace/base/workspace.ts'

/** The result of `doctor`. */
export interface DoctorResult {
  /** Nothing has failed; there may be warnings. */
  readonly healthy: boolean
  readonly findings: readonly Finding[]
}

const placeFlag = Flags.custom<HostPort>({ helpValue: 'HOST[:PORT]', parse: async (text) => parseHostPort(text) })

const STYLES = { ok: 'green', note: 'dim', warning: 'yellow', failed: 'red' } as const
const WORDS: Record<FindingState, string> = { ok: 'ok', note: 'note', warning: 'warning', failed: 'FAILED' }

type DoctorFlags = Interfaces.InferredFlags<(typeof Doctor)['flags']> & { home?: string | undefined }

export default class Doctor extends XmppkiCommand<DoctorResult> {
  static override summary = 'Find out why a login does not work: check the workspace, or any XMPP server.'

  static override description = [
    'Without --connect it looks at the workspace: certificates and keys of the CAs, CRLs, OCSP signers, server certificates, ledger and audit log, configuration, database of the accounts, ports, permissions, disk space, clock, and the DNS records of the domain. Nothing is changed, and no passphrase is needed.',
    'With --connect it visits a server as a client, ours or any other (Prosody, ejabberd, MongooseIM …): what it says before TLS, its certificate, whether it asks for a client certificate and from which CAs, and which SASL mechanisms it offers without and with the certificate of --user, --p12, or --cert and --key. Where EXTERNAL is missing it says why, as far as that can be seen from outside. Then it logs in, and leaves before binding a resource unless --login is given.',
    'Whether the certificates of both sides are from the right CA is judged by the CA of the workspace, if there is one, or by --ca. Every line is ok, note, warning or FAILED; only FAILED changes the exit code.',
    exitCodes({
      DONE: 'nothing has failed',
      NOT_FOUND: 'no workspace, or no such certificate or file',
      PASSPHRASE: 'password or passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree about the user',
      PROOF_FAILED: 'a check has failed',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'Is the workspace sound?', command: '<%= config.bin %> doctor' },
    {
      description: 'Why is EXTERNAL not offered to alice?',
      command: '<%= config.bin %> doctor --connect localhost:5222 --user alice',
    },
    {
      description: 'Another server, direct TLS, with a bundle:',
      command:
        '<%= config.bin %> doctor --connect xmpp.example.org:5223 --tls --domain example.org --p12 alice.p12 --p12-password-file pw',
    },
    {
      description: 'In a script, what is wrong:',
      command: '<%= config.bin %> doctor --json | jq -r ".findings[] | select(.state == \\"failed\\") | .text"',
    },
  ]

  static override flags = {
    ...STORE_FLAGS,
    connect: placeFlag({
      summary: 'the server to visit, instead of the workspace (default port: 5222, with --tls 5223)',
      env: 'XMPPKI_DOCTOR_CONNECT',
    }),
    tls: Flags.boolean({
      summary: 'direct TLS (XEP-0368) instead of STARTTLS',
      dependsOn: ['connect'],
      env: 'XMPPKI_DOCTOR_TLS',
    }),
    domain: domainFlag({
      summary: 'XMPP domain to ask for (default: that of the user, of the workspace, or else the host)',
      env: 'XMPPKI_DOMAIN',
    }),
    user: Flags.string({
      summary: 'log in as this user, with the certificate in the workspace',
      helpValue: 'NAME',
      dependsOn: ['connect'],
      exclusive: ['p12', 'cert'],
      env: 'XMPPKI_DOCTOR_USER',
    }),
    p12: pathFlag({
      summary: 'log in with this PKCS#12 bundle',
      helpValue: 'FILE',
      dependsOn: ['connect', 'p12-password-file'],
      exclusive: ['cert'],
      env: 'XMPPKI_DOCTOR_P12',
    }),
    'p12-password-file': secretFileFlag({
      summary: 'file with the password of the bundle; - reads standard input',
      env: 'XMPPKI_P12_PASSWORD_FILE',
    }),
    cert: pathFlag({
      summary: 'log in with this certificate, PEM or DER, intermediate CAs after it',
      helpValue: 'FILE',
      dependsOn: ['connect', 'key'],
      env: 'XMPPKI_DOCTOR_CERT',
    }),
    key: pathFlag({
      summary: 'the private key of --cert, not encrypted',
      helpValue: 'FILE',
      dependsOn: ['cert'],
      env: 'XMPPKI_DOCTOR_KEY',
    }),
    ca: pathFlag({
      summary: 'PEM file with the CAs that should have issued the certificates, instead of those of the workspace',
      helpValue: 'FILE',
      dependsOn: ['connect'],
      env: 'XMPPKI_DOCTOR_CA',
    }),
    login: Flags.boolean({
      summary: 'go on after the login and bind a resource, as a client would',
      dependsOn: ['connect'],
      env: 'XMPPKI_DOCTOR_LOGIN',
    }),
  }

  async run(): Promise<DoctorResult> {
    const { flags } = await this.parse(Doctor)
    const { connect } = flags
    const findings = connect === undefined ? await this.#examineWorkspace(flags) : await this.#visit(connect, flags)
    const failed = findings.filter(({ state }) => state === 'failed')
    this.#show(findings)
    if (failed.length > 0) {
      const error = new XmppkiError('PROOF_FAILED', `${failed.length} of ${findings.length} checks failed`)
      if (!this.jsonEnabled()) this.sayError(error)
      process.exitCode = error.exitCode
    }
    return { healthy: failed.length === 0, findings }
  }

  async #examineWorkspace(flags: DoctorFlags): Promise<Finding[]> {
    const { examineWorkspace } = await import('../doctor/workspace-doctor.ts')
    const { openWorkspace } = await import('../workspace/base/workspace.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
    try {
      // Without a CA there is nothing to look at, and this says so.
      workspace.root()
      return await examineWorkspace(workspace, {
        domain: flags.domain ?? workspace.defaultDomain,
        configuration: storePlace(flags, this.argv),
        now: new Date(),
      })
    } finally {
      workspace.close()
    }
  }

  async #visit({ host, port }: HostPort, flags: DoctorFlags): Promise<Finding[]> {
    const { examineConnection } = await import('../doctor/connection-doctor.ts')
    const workspace = await this.#workspaceIfAny(flags)
    try {
      const { credentials, domain } = await this.#credentials(workspace, flags)
      const home = await this.#home(workspace, flags.ca)
      return await examineConnection({
        host,
        port: port ?? (flags.tls ? 5223 : 5222),
        mode: flags.tls ? 'tls' : 'starttls',
        domain: flags.domain ?? domain ?? workspace?.defaultDomain ?? host,
        credentials,
        home,
        bind: flags.login,
        now: new Date(),
      })
    } finally {
      workspace?.close()
    }
  }

  /** A foreign server can be visited without one. */
  async #workspaceIfAny(flags: DoctorFlags): Promise<Workspace | undefined> {
    const { openWorkspace } = await import('../workspace/base/workspace.ts')
    try {
      const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
      if (workspace.hasCa) return workspace
      workspace.close()
    } catch (error) {
      if (!(error instanceof XmppkiError) || error.code !== 'NOT_FOUND') throw error
    }
    if (flags.user === undefined) return undefined
    throw new XmppkiError('NOT_FOUND', `no CA in ${this.homeOf(flags)}, so no certificate of ${flags.user} either`, {
      hint: 'give --p12 FILE, or --cert FILE and --key FILE',
    })
  }

  async #credentials(
    workspace: Workspace | undefined,
    flags: DoctorFlags,
  ): Promise<{ credentials: ClientCredentials | undefined; domain?: string }> {
    const { credentialsOfUser, credentialsOfBundle, credentialsOfFiles } = await import(
      '../doctor/client-credentials.ts'
    )
    if (flags.user !== undefined && workspace !== undefined) {
      const domain = flags.domain ?? workspace.defaultDomain
      const [client] = parseClientNames([flags.user], { domain, explicit: false })
      if (client === undefined) throw new XmppkiError('USAGE', '--user needs a name')
      return { credentials: credentialsOfUser(workspace, client.jid), domain: client.jid.domain }
    }
    const { p12, cert, key, 'p12-password-file': file } = flags
    if (p12 !== undefined && file !== undefined) {
      const warn = (text: string) => this.sayWarning(text)
      const request = { label: 'password of the bundle', flag: '--p12-password-file', warn }
      const password = await readSecretFile(file, request)
      return { credentials: await credentialsOfBundle(await readInputFile(p12), password, p12) }
    }
    if (cert === undefined || key === undefined) return { credentials: undefined }
    const certificate = { octets: await readInputFile(cert), source: cert }
    return { credentials: credentialsOfFiles(certificate, { octets: await readInputFile(key), source: key }) }
  }

  async #home(workspace: Workspace | undefined, ca: string | undefined): Promise<HomeCa | undefined> {
    if (ca !== undefined) {
      return { anchors: [(await readInputFile(ca)).toString('latin1')], source: ca, book: undefined }
    }
    if (workspace === undefined) return undefined
    const { trustOf } = await import('../workspace/clients/client-judge.ts')
    const { anchors, source, ledger: book } = trustOf(workspace)
    return { anchors, source, book }
  }

  #show(findings: readonly Finding[]): void {
    const width = Math.max(...findings.map(({ check }) => check.length))
    for (const { check, state, text, hint } of findings) {
      this.log(`${styled(STYLES[state], WORDS[state].padEnd(7))}  ${check.padEnd(width)}  ${text}`)
      if (hint !== undefined && state !== 'ok') this.log(`${' '.repeat(width + 11)}→ ${hint}`)
    }
  }
}
