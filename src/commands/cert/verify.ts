import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { pathFlag } from '../../cli/flags.ts'
import { readInputFile, sourceName } from '../../cli/input-file.ts'
import { columns, styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import type { Verification, VerifyRequest } from '../../trust/verify.ts'
import type { WorkspaceTrust } from '../../workspace/clients/client-judge.ts'
import { accountCandidates, type ExternalPolicy } from '../../xmpp/sasl/external.ts'

/** The result of `cert verify`. */
export interface CertVerifyResult extends Verification {
  readonly file: string
}

const PURPOSES = { client: 'clientAuth', server: 'serverAuth' } as const

type Trust = Pick<VerifyRequest, 'anchors' | 'anchorSource' | 'find' | 'accounts'>

export default class CertVerify extends XmppkiCommand<CertVerifyResult> {
  static override summary = 'Check whether a certificate would be accepted now, and say why not.'

  static override description = [
    'FILE holds the certificate first, PEM or DER, and in PEM possibly intermediate CA certificates after it; - reads standard input. Checked are its form, its dates, its purpose, the path to the CA, and whether it was revoked; every check is reported, also after one has failed.',
    'Without --ca the CA and the ledger of the workspace are asked (no passphrase is needed). With --ca FILE no workspace is needed, and revocation is looked up only in --crl.',
    'What a CRL names is revoked, whether it is stale or not; what it does not name is accepted when it is current, covers the certificate, and is signed by the CA. The JSON document names the refusal that `serve` would log, or has null.',
    exitCodes({
      DONE: 'accepted',
      BAD_INPUT: 'not accepted or not a certificate',
      NOT_FOUND: 'no such file or no workspace',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'A certificate of the workspace:',
      command: '<%= config.bin %> cert verify alice.crt',
    },
    {
      description: 'A server certificate against any CA and its CRL:',
      command: '<%= config.bin %> cert verify server.crt --purpose server --ca ca.crt --crl ca.crl',
    },
    {
      description: 'In a script, the checks that failed:',
      command: '<%= config.bin %> cert verify alice.crt --json | jq -r ".checks[] | select(.ok | not) | .text"',
    },
  ]

  static override args = {
    file: Args.string({ description: 'certificate to check, PEM or DER; - is standard input', required: true }),
  }

  static override flags = {
    ca: pathFlag({
      summary: 'PEM file with the trusted CA certificates, instead of those of the workspace',
      env: 'XMPPKI_VERIFY_CA',
    }),
    crl: pathFlag({
      summary: 'CRL to look the certificate up in, PEM or DER, one or several',
      env: 'XMPPKI_VERIFY_CRL',
    }),
    purpose: Flags.option({
      summary: 'what the certificate must be good for (default: what it says itself)',
      options: ['client', 'server'] as const,
      env: 'XMPPKI_VERIFY_PURPOSE',
    })(),
  }

  async run(): Promise<CertVerifyResult> {
    const { args, flags } = await this.parse(CertVerify)
    const { file } = args
    const { readCertificates } = await import('../../pki/x509/certificate-file.ts')
    const chain = readCertificates(await readInputFile(file), sourceName(file))
    const purpose = flags.purpose === undefined ? undefined : PURPOSES[flags.purpose]
    const { verifyCertificate } = await import('../../trust/verify.ts')
    const verification = await this.#withTrust(flags, async (trust) => {
      const crls = flags.crl === undefined ? undefined : await this.#readCrls(flags.crl, trust)
      return verifyCertificate({ ...trust, chain, purpose, now: new Date(), crls })
    })
    this.#show(file, verification)
    return { file, ...verification }
  }

  async #readCrls(file: string, { anchors, anchorSource }: Trust) {
    const { TrustAnchors } = await import('../../trust/anchors.ts')
    const { loadList } = await import('../../trust/loaded-list.ts')
    const source = sourceName(file)
    const { MAX_CRL_BYTES, readCrlFile } = await import('../../pki/revocation/crl-file.ts')
    const { ders, faults } = await readCrlFile(
      await readInputFile(file, { maxBytes: MAX_CRL_BYTES, flag: '--crl' }),
      source,
    )
    for (const fault of faults) this.sayWarning(fault)
    const { authorities } = new TrustAnchors([anchors], anchorSource)
    return Promise.all(ders.map((der) => loadList(der, source, authorities)))
  }

  async #withTrust<T>(
    flags: { ca: string | undefined; home: string | undefined },
    work: (trust: Trust) => T | Promise<T>,
  ) {
    const { ca } = flags
    if (ca !== undefined) {
      const anchors = (await readInputFile(ca)).toString('latin1')
      return work({ anchors, anchorSource: ca, find: undefined })
    }
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { trustOf } = await import('../../workspace/clients/client-judge.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
    try {
      return await work(trustIn(trustOf(workspace), workspace.defaultDomain))
    } finally {
      workspace.close()
    }
  }

  #show(file: string, { subject, serial, valid, checks }: Verification): void {
    const verdict = valid ? styled('green', 'valid') : styled('red', 'not valid')
    this.log(`${styled('bold', subject === '' ? '(no subject)' : subject)} (serial ${serial}): ${verdict}`)
    for (const row of columns(checks.map(({ name, ok, text }) => [name, `${ok ? 'ok' : 'FAILED'}: ${text}`]))) {
      this.log(row)
    }
    if (valid) return
    const failed = [...new Set(checks.filter(({ ok }) => !ok).map(({ name }) => name))]
    const error = new XmppkiError('BAD_INPUT', `${sourceName(file)} is not accepted: ${failed.join(', ')}`)
    if (!this.jsonEnabled()) this.sayError(error)
    process.exitCode = error.exitCode
  }
}

/** As `serve` reads names unless it is told otherwise. */
const POLICY: ExternalPolicy = { sources: ['xmpp_addr', 'common_name'], commonName: { prefix: '', suffix: '' } }

function trustIn({ anchors, source, ledger }: WorkspaceTrust, domain: string): Trust {
  return {
    anchors: anchors.join(''),
    anchorSource: source,
    find: (certificate) => ledger.find(certificate),
    accounts: (names) => accountCandidates(names, domain, POLICY),
  }
}
