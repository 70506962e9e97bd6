import { statSync } from 'node:fs'
import { decodePem } from '../../pki/der/pem.ts'
import type { Authority } from '../../workspace/base/authority.ts'
import { certificatePath, crlPath } from '../../workspace/base/pki-url.ts'
import { readTextIfAny } from '../../workspace/disk/files.ts'
import type { PublishedFile } from './pki-http.ts'

const CRL_TYPE = 'application/pkix-crl'
const CERTIFICATE_TYPE = 'application/pkix-cert'

interface Cached {
  /** Of the file that was read: another one took its place when it differs. */
  readonly version: string
  readonly content: Uint8Array
}

/**
 * What `serve` publishes of the CAs: certificate and CRL of each, in DER (RFC 2585 §3). Files are read again when they
 * have changed: a revocation in another process is published with the next request.
 * @param authorities asked at every request; its answer may change
 */
export function publishedFiles(authorities: () => readonly Authority[]): PublishedFile {
  const cache = new Map<string, Cached>()
  return (path) => {
    for (const authority of authorities()) {
      if (path === certificatePath(authority)) return { type: CERTIFICATE_TYPE, content: authority.der }
      if (path !== crlPath(authority)) continue
      const content = readCrlFile(authority.files.crl, cache)
      return content && { type: CRL_TYPE, content }
    }
    return undefined
  }
}

function readCrlFile(path: string, cache: Map<string, Cached>): Uint8Array | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (found === undefined) return undefined
  const version = `${found.ino} ${found.mtimeNs} ${found.size}`
  const known = cache.get(path)
  if (known?.version === version) return known.content
  const text = readTextIfAny(path)
  if (text === undefined) return undefined
  const content = decodePem(text, 'X509 CRL', path)
  cache.set(path, { version, content })
  return content
}
