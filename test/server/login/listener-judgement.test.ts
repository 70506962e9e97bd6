import { describe, expect, it } from 'vitest'
import { OID } from '../../../src/pki/der/oids.ts'
import { isAsked, judgeFor } from '../../../src/server/login/listener-judgement.ts'
import { type ClientTrust, plainTrust } from '../../../src/server/net/client-trust.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { isRefusal } from '../../../src/trust/refusal.ts'
import { RevocationLists } from '../../../src/trust/revocation-lists.ts'
import { type Made, madeRoot, NOON } from '../../support/certificates/small-pki.ts'

const root = madeRoot()
const TRUST = plainTrust(new TrustAnchors([root.pem]))
const lists = new RevocationLists([], { exempt: new Set(), authorities: [] })

const ISSUED = root.client()
const SELF_SIGNED = madeRoot('alice', { ca: false, purposes: [OID.clientAuth] })
const OF_A_SERVER = root.client('alice', { purposes: [OID.serverAuth] })

/** The check that a certificate fails on such a listener. */
function refusal(certificate: Made, trust: Partial<ClientTrust>, minRsaBits = 2048): string | undefined {
  const verdict = judgeFor({ ...TRUST, ...trust }, certificate.opened, {
    rules: { book: new MemoryLedger(), minRsaBits },
    occasion: { now: NOON },
  })
  return isRefusal(verdict) ? verdict.check : undefined
}

describe('what a listener makes of a certificate', () => {
  it.each<{ name: string; certificate: Made; trust: Partial<ClientTrust>; check: string | undefined }>([
    { name: 'issued by its CA', certificate: ISSUED, trust: {}, check: undefined },
    {
      name: 'issued, where nobody asks for it',
      certificate: ISSUED,
      trust: { verifyMode: 'none' },
      check: 'not-accepted',
    },
    { name: 'of another CA', certificate: madeRoot('other').client(), trust: {}, check: 'unknown-ca' },
    { name: 'self-signed', certificate: SELF_SIGNED, trust: {}, check: 'unknown-ca' },
    {
      name: 'self-signed, where that is enough',
      certificate: SELF_SIGNED,
      trust: { verifyMode: 'selfsigned_peer' },
      check: undefined,
    },
    {
      name: 'issued, where self-signed is enough',
      certificate: ISSUED,
      trust: { verifyMode: 'selfsigned_peer' },
      check: undefined,
    },
    { name: 'of a server', certificate: OF_A_SERVER, trust: {}, check: 'not-for-client-auth' },
    {
      name: 'without a CRL, soft',
      certificate: ISSUED,
      trust: { revocation: { mode: 'soft', lists } },
      check: undefined,
    },
    {
      name: 'without a CRL, hard',
      certificate: ISSUED,
      trust: { revocation: { mode: 'hard', lists } },
      check: 'crl-unknown',
    },
  ])('$name: $check', ({ certificate, trust, check }) => {
    expect(refusal(certificate, trust)).toBe(check)
  })

  it('is asked of the ledger as well', () => {
    const verdict = judgeFor(TRUST, ISSUED.opened, {
      rules: { book: { revokedAt: () => 1_000 }, minRsaBits: 2048 },
      occasion: { now: NOON },
    })
    expect(verdict).toMatchObject({ check: 'revoked' })
  })
})

describe('a listener', () => {
  it.each(['peer', 'selfsigned_peer', 'none'] as const)('with verify_mode %s asks for certificates, or not', (mode) => {
    expect(isAsked({ ...TRUST, verifyMode: mode })).toBe(mode !== 'none')
  })
})
