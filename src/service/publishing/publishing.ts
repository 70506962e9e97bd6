import type { Log } from '../../server/log.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import { readOcspSigner } from '../../workspace/ca/ocsp-signer.ts'
import { type OcspAuthority, ocspService } from './ocsp-responder.ts'
import { PkiHttp } from './pki-http.ts'
import { publishedFiles } from './published-files.ts'

/** How long the CAs and their OCSP certificates are remembered: a flood of requests must not read files all the time. */
const REMEMBERED_MS = 1_000

export interface PublishingOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly log: Log
}

/** Publishes CRLs, CA certificates and OCSP of the workspace over HTTP. @throws {XmppkiError} IO */
export function startPublishing(workspace: Workspace, { host, port, log }: PublishingOptions): Promise<PkiHttp> {
  const authorities = remembered((): OcspAuthority[] =>
    workspace.authorities().map((authority) => ({ authority, responder: readOcspSigner(workspace, authority) })),
  )
  return PkiHttp.start({
    host,
    port,
    log,
    file: publishedFiles(() => authorities().map(({ authority }) => authority)),
    ocsp: ocspService({ authorities, ledger: workspace.ledger(), now: () => new Date() }),
  })
}

function remembered<T>(make: () => T): () => T {
  let known: { readonly value: T; readonly until: number } | undefined
  return () => {
    const now = performance.now()
    if (known === undefined || known.until < now) known = { value: make(), until: now + REMEMBERED_MS }
    return known.value
  }
}
