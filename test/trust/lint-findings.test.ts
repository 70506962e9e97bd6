import { describe, expect, it } from 'vitest'
import { OID } from '../../src/pki/der/oids.ts'
import { lintFindings } from '../../src/trust/lint-findings.ts'
import { DIGITAL_SIGNATURE, Made, NOON, type Wish } from '../support/certificates/small-pki.ts'

const DAY = 86_400_000
const root = new Made({ name: 'Root', ca: true })

/** The rules that a client's certificate breaks by which it is refused. */
function errorsOf(wish: Partial<Wish>, now = NOON): string[] {
  const usual = { keyUsage: [DIGITAL_SIGNATURE], purposes: [OID.clientAuth], xmppAddrs: ['alice@example.org'] }
  const { der } = root.issue({ name: 'alice', ...usual, ...wish })
  const { findings } = lintFindings(der, { source: 'FILE', kind: 'client', now })
  // What is made here has no key identifiers.
  return findings.flatMap(({ rule, severity }) => (severity === 'error' && !/key-identifier/.test(rule) ? [rule] : []))
}

describe('lintFindings', () => {
  it('has nothing to add to a certificate that logs in', () => expect(errorsOf({})).toEqual([]))

  it.each<[string, Partial<Wish>, string[]]>([
    ['has ended', { notAfter: new Date(NOON.getTime() - DAY) }, ['expired']],
    ['begins later', { notBefore: new Date(NOON.getTime() + DAY) }, ['not-yet-valid']],
  ])('finds what no rule looks at: a certificate that %s', (_case, wish, rules) => {
    expect(errorsOf(wish)).toEqual(rules)
  })

  it.each<[string, Partial<Wish>, string[]]>([
    ['another purpose', { purposes: [OID.serverAuth] }, ['client-purpose']],
    ['no digitalSignature', { keyUsage: [2] }, ['digital-signature']],
    ['version 1', { version: 1 }, ['version-3', 'client-purpose']],
  ])('says nothing twice: %s', (_case, wish, rules) => expect(errorsOf(wish)).toEqual(rules))
})
