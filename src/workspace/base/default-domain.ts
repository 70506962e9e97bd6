import { XmppkiError } from '../../errors.ts'
import { isInDnsSubtree, parseDomain } from '../../pki/x509/domain.ts'

/**
 * Whether a CA can issue for the domain that its workspace is to have: names without a domain get that one.
 * @param permitted dNSName subtrees of its name constraints, A-labels or U-labels; undefined when there are none
 * @param source names the CA in errors
 * @throws {XmppkiError} BAD_NAME
 */
export function checkDefaultDomain(domain: string, permitted: readonly string[] | undefined, source: string): void {
  const { ascii } = parseDomain(domain)
  if (permitted === undefined || permitted.some((base) => isInDnsSubtree(ascii, asciiOf(base)))) return
  const [first] = permitted
  const example = first?.startsWith('.') ? `chat${first}` : first
  throw new XmppkiError('BAD_NAME', `${source} may not issue certificates for ${domain}`, {
    hint:
      example === undefined
        ? 'its name constraints permit no domain at all: make a new CA with xmppki ca init'
        : `it is limited to ${permitted.join(', ')}; choose one of its domains: --domain ${example}`,
    spec: 'RFC 5280 §4.2.1.10',
  })
}

/** The domain of a workspace whose CA is limited: the first that may stand by itself; undefined when there is none. */
export function firstPermittedDomain(permitted: readonly string[] = []): string | undefined {
  const domain = permitted.find((base) => !base.startsWith('.'))
  return domain === undefined ? undefined : parseDomain(domain).unicode
}

function asciiOf(base: string): string {
  return base.startsWith('.') ? `.${parseDomain(base.slice(1)).ascii}` : parseDomain(base).ascii
}
