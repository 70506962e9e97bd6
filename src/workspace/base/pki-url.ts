import { XmppkiError } from '../../errors.ts'
import type { Authority } from './authority.ts'

/** Where relying parties find what they need to check what a CA has issued. */
export interface AuthorityUrls {
  /** Missing where the CA may not sign CRLs. */
  readonly crlUrl?: string
  readonly ocspUrl: string
  readonly issuerUrl: string
}

/** Path of the OCSP responder below the URL of the workspace. */
export const OCSP_PATH = '/ocsp'

/** Path of the CRL of a CA below the URL of the workspace; it never changes, because certificates name it for years. */
export function crlPath({ publicName }: Authority): string {
  return `/${publicName}.crl`
}

/** Path of the certificate of a CA below the URL of the workspace. */
export function certificatePath({ publicName }: Authority): string {
  return `/${publicName}.crt`
}

/** What certificates of this CA say about where to ask; `base` is `pkiUrl` of the settings. */
export function caUrlsOf(authority: Authority, base: string): AuthorityUrls {
  return {
    ...(authority.signsCrls ? { crlUrl: base + crlPath(authority) } : {}),
    ocspUrl: base + OCSP_PATH,
    issuerUrl: base + certificatePath(authority),
  }
}

/**
 * The URL below which CRLs, CA certificates and OCSP are found, without a slash at the end.
 * @throws {XmppkiError} BAD_INPUT
 */
export function parsePkiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (url === undefined || !isPlain || !/^https?:$/.test(url.protocol)) {
    throw new XmppkiError('BAD_INPUT', `'${text}' is not a URL where CRLs could be published`, {
      hint: 'write it as http://pki.example.org',
      spec: 'RFC 5280 §4.2.1.13',
    })
  }
  return url.href.replace(/\/+$/, '')
}
