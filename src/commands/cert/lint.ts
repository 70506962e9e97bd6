import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { readInputFile, sourceName } from '../../cli/input-file.ts'
import { styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import type { Finding } from '../../pki/lint/lint.ts'
import type { CertificateKind } from '../../pki/lint/rule.ts'

interface LintedCertificate {
  readonly subject: string
  readonly serial: string
  /** Which rules were applied. */
  readonly kind: CertificateKind
  readonly findings: readonly Finding[]
}

/** The result of `cert lint`. */
export interface CertLintResult {
  readonly file: string
  /** Whether the exit code is 0. */
  readonly clean: boolean
  readonly certificates: readonly LintedCertificate[]
}

const STYLES = { error: 'red', warning: 'yellow', notice: 'dim' } as const

export default class CertLint extends XmppkiCommand<CertLintResult> {
  static override summary = 'Hold certificates against RFC 5280, RFC 6120 and the rules of experience.'

  static override description = [
    'Every certificate in FILE is checked, PEM or DER; - reads standard input. Each finding names the rule and the section that demands it. An "error" breaks a MUST or logins, a "warning" a SHOULD, a "notice" is worth knowing.',
    'What a certificate is for (client, server, ca or ocsp, a responder) is told by what it says; --kind says it instead, for those that say nothing. What a login would be refused for on sight, whoever has issued the certificate, is found as well, under the name that the log of `serve` has for it: expired, say. Who has signed it and whether it is revoked are a matter of "cert verify". No workspace is needed.',
    exitCodes({
      DONE: 'no errors (with --strict: nor warnings)',
      BAD_INPUT: 'errors found or not a certificate',
      NOT_FOUND: 'no such file',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'A certificate from somewhere else:',
      command: '<%= config.bin %> cert lint alice.crt',
    },
    {
      description: 'In a pipeline, where warnings count too:',
      command: '<%= config.bin %> cert lint server.crt --kind server --strict',
    },
    {
      description: 'The broken rules, for a script:',
      command: '<%= config.bin %> cert lint chain.pem --json | jq -r ".certificates[].findings[].rule"',
    },
  ]

  static override args = {
    file: Args.string({ description: 'certificates to check, PEM or DER; - is standard input', required: true }),
  }

  static override flags = {
    kind: Flags.option({
      summary: 'what the certificates are for (default: what they say themselves)',
      options: ['client', 'server', 'ca', 'ocsp'] as const,
      env: 'XMPPKI_LINT_KIND',
    })(),
    strict: Flags.boolean({ summary: 'let warnings decide the exit code too', env: 'XMPPKI_LINT_STRICT' }),
  }

  async run(): Promise<CertLintResult> {
    const { args, flags } = await this.parse(CertLint)
    const { file } = args
    const source = sourceName(file)
    const { readCertificates } = await import('../../pki/x509/certificate-file.ts')
    const { readCertificate } = await import('../../pki/x509/certificate.ts')
    const { lintFindings } = await import('../../trust/lint-findings.ts')
    const now = new Date()
    const certificates = readCertificates(await readInputFile(file), source).map((der) => {
      const { subject, serial } = readCertificate(der, source)
      return { subject, serial, ...lintFindings(der, { source, kind: flags.kind, now }) }
    })
    for (const certificate of certificates) this.#show(certificate)
    const counted = certificates
      .flatMap(({ findings }) => findings)
      .filter(({ severity }) => severity === 'error' || (flags.strict && severity === 'warning'))
    if (counted.length > 0) this.#fail(source, counted)
    return { file, clean: counted.length === 0, certificates }
  }

  #show({ subject, serial, kind, findings }: LintedCertificate): void {
    const verdict = findings.length === 0 ? styled('green', 'nothing to complain about') : `${findings.length} found`
    this.log(`${styled('bold', subject === '' ? '(no subject)' : subject)} (${kind}, serial ${serial}): ${verdict}`)
    for (const { severity, rule, citation, message } of findings) {
      this.log(`  ${styled(STYLES[severity], severity.padEnd(7))}  ${message} [${rule}, ${citation}]`)
    }
  }

  #fail(source: string, counted: readonly Finding[]): void {
    const rules = [...new Set(counted.map(({ rule }) => rule))].join(', ')
    const error = new XmppkiError('BAD_INPUT', `${source} breaks ${rules}`)
    if (!this.jsonEnabled()) this.sayError(error)
    process.exitCode = error.exitCode
  }
}
