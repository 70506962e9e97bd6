import { XmppkiError } from '../../errors.ts'
import { DEFAULT_MIN_RSA_BITS } from '../../pki/keys/key-strength.ts'
import type { Ledger } from '../../store/ledger.ts'
import { TrustAnchors } from '../../trust/anchors.ts'
import { judge, type TrustRules } from '../../trust/judgement.ts'
import { isRefusal, type Refusal } from '../../trust/refusal.ts'
import { SignedCertificate } from '../../trust/signed-certificate.ts'
import type { Workspace } from '../base/workspace.ts'
import type { Client } from './client-folder.ts'
import { type KnownCertificate, readClientCertificate } from './read-client.ts'

/** What a workspace judges certificates by. */
export interface WorkspaceTrust {
  /** PEM of its CAs: an issuing CA as well, because certificates may come without it. */
  readonly anchors: readonly string[]
  /** Names them for people. */
  readonly source: string
  readonly ledger: Ledger
}

/** @throws {XmppkiError} NOT_FOUND without a CA, CORRUPT, IO */
export function trustOf(workspace: Workspace): WorkspaceTrust {
  return {
    anchors: workspace.authorities().map(({ pem }) => pem),
    source: 'the CA of the workspace',
    ledger: workspace.ledger(),
  }
}

/** Says of certificates that lie in the workspace what `serve` would say, unless its configuration says otherwise. */
export class ClientJudge {
  readonly #rules: TrustRules
  readonly #sent: readonly Uint8Array[]
  readonly #now: Date

  /** @throws {XmppkiError} as {@link trustOf}; BAD_INPUT for a CA that cannot be one */
  constructor(workspace: Workspace, now: Date) {
    const { anchors, source, ledger } = trustOf(workspace)
    this.#rules = {
      anchors: new TrustAnchors(anchors, source),
      purpose: 'clientAuth',
      minRsaBits: DEFAULT_MIN_RSA_BITS,
      book: ledger,
    }
    // Those that were revoked are not trusted, and a path over them says so.
    this.#sent = workspace.knownAuthorities().map(({ der }) => der)
    this.#now = now
  }

  /** Why the certificate is not accepted as that of this client; undefined when it is, or is not there to be read. */
  refusalOf(known: KnownCertificate, client: Client): Refusal | undefined {
    const der = tryRead(known, client)
    if (der === undefined) return undefined
    const certificate = SignedCertificate.open(der)
    if (isRefusal(certificate)) return certificate
    const occasion = { now: this.#now, sent: () => this.#sent, accounts: () => [client.jid] }
    const verdict = judge(certificate, this.#rules, occasion)
    return isRefusal(verdict) ? verdict : undefined
  }
}

function tryRead(known: KnownCertificate, client: Client): Uint8Array | undefined {
  try {
    return readClientCertificate(known, client).der
  } catch (error) {
    if (error instanceof XmppkiError) return undefined
    throw error
  }
}
