import { X509Certificate } from 'node:crypto'
import { pemBlocks } from '../../pki/der/pem.ts'

/**
 * A server certificate that comes alone, and behind it those of these CAs that lead up from it, the root included.
 * OpenSSL would do so by itself, but it is not given the CAs.
 * @param chain PEM
 * @param authorities PEM, one certificate each
 */
export function completeChain(chain: string, authorities: readonly string[]): string {
  const [leaf, ...others] = pemBlocks(chain).filter(({ label }) => label === 'CERTIFICATE')
  if (leaf === undefined || others.length > 0) return chain
  const unused = new Set(authorities.map((pem) => new X509Certificate(pem)))
  const complete = [new X509Certificate(leaf.text)]
  for (const last of complete) {
    const issuer = [...unused].find((authority) => last.checkIssued(authority) && last.verify(authority.publicKey))
    if (issuer === undefined || issuer.raw.equals(last.raw)) break
    unused.delete(issuer)
    complete.push(issuer)
  }
  return complete.join('')
}
