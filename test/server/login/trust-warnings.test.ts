import { describe, expect, it } from 'vitest'
import { TrustWarnings } from '../../../src/server/login/trust-warnings.ts'
import { type ClientTrust, plainTrust } from '../../../src/server/net/client-trust.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { RevocationLists } from '../../../src/trust/revocation-lists.ts'
import type { ExternalPolicy } from '../../../src/xmpp/sasl/external.ts'
import { madeRoot, NOON } from '../../support/certificates/small-pki.ts'
import { LogBook } from '../../support/servers/server.ts'

const [one, other] = [madeRoot('one'), madeRoot('other')]
const TRUST = plainTrust(new TrustAnchors([one.pem, other.pem]))
/** The lists of nobody, of which one CA has no need. */
const lists = new RevocationLists([], { exempt: new Set([other.opened.fingerprint]), authorities: [] })
const POLICY: ExternalPolicy = { sources: ['xmpp_addr'], commonName: { prefix: '', suffix: '' } }

function setUp() {
  const log = new LogBook()
  const warnings = new TrustWarnings(log)
  const announce = (trust: Partial<ClientTrust>, policy = POLICY, listener = 'here') =>
    warnings.announce(policy, new Map([[listener, { ...TRUST, ...trust }]]), NOON)
  return { log, warnings, announce }
}

describe('what operators are told of rules that let in more than it seems', () => {
  it.each<{ name: string; trust: Partial<ClientTrust>; policy?: ExternalPolicy; warned: readonly object[] }>([
    { name: 'nothing of a CA and the names in its certificates', trust: {}, warned: [] },
    {
      name: 'auth_id',
      trust: {},
      policy: { ...POLICY, sources: ['xmpp_addr', 'auth_id'] },
      warned: [{ message: expect.stringContaining('auth_id') }],
    },
    {
      name: 'selfsigned_peer',
      trust: { verifyMode: 'selfsigned_peer' },
      warned: [{ listener: 'here', message: expect.stringContaining('selfsigned_peer') }],
    },
    {
      name: 'a CA without list, soft',
      trust: { revocation: { mode: 'soft', lists } },
      warned: [{ listener: 'here', issuer: 'CN=one', mode: 'soft', effect: 'revoked certificates log in' }],
    },
    {
      name: 'a CA without list, hard',
      trust: { revocation: { mode: 'hard', lists } },
      warned: [{ issuer: 'CN=one', mode: 'hard', effect: 'nobody logs in with its certificates' }],
    },
    {
      name: 'nothing where no certificate is asked for',
      trust: { verifyMode: 'none', revocation: { mode: 'hard', lists } },
      warned: [],
    },
  ])('$name', ({ trust, policy, warned }) => {
    const { log, announce } = setUp()
    announce(trust, policy)
    expect(log.lines).toMatchObject(warned)
    expect(log.lines.every(({ level }) => level === 'warn')).toBe(true)
  })

  it('comes once for each listener, however often it is found', () => {
    const { log, warnings, announce } = setUp()
    const trust = { revocation: { mode: 'soft', lists } } as const
    for (const listener of ['here', 'here', 'there']) announce(trust, POLICY, listener)
    warnings.ofGap({ issuer: 'CN=one', reason: String(log.lines[0]?.['reason']) }, trust.revocation, 'there')
    expect(log.lines.map(({ listener }) => listener)).toEqual(['here', 'there'])
  })

  it('comes again when something else is the matter', () => {
    const { log, warnings } = setUp()
    const gap = { issuer: 'CN=one', reason: 'there is no CRL of it' }
    warnings.ofGap(gap, { mode: 'soft', lists }, 'here')
    warnings.ofGap({ ...gap, reason: 'its CRL is stale' }, { mode: 'soft', lists }, 'here')
    warnings.ofGap(gap, { mode: 'hard', lists }, 'here')
    expect(log.lines).toHaveLength(3)
  })

  it('is not remembered without end', () => {
    const { log, warnings } = setUp()
    const tell = (issuer: string) => warnings.ofGap({ issuer, reason: 'x' }, { mode: 'soft', lists }, 'here')
    for (let n = 0; n <= 1_000; n++) tell(`CN=${n}`)
    tell('CN=0')
    expect(log.lines).toHaveLength(1_002)
  })
})
