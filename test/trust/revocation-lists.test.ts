import { afterAll, describe, expect, it } from 'vitest'
import { decodePemAll } from '../../src/pki/der/pem.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { TrustAnchors } from '../../src/trust/anchors.ts'
import { findPath } from '../../src/trust/path-search.ts'
import { isRefusal } from '../../src/trust/refusal.ts'
import { SignedCertificate } from '../../src/trust/signed-certificate.ts'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { revocationLists } from '../support/certificates/crls.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const STALE = ['20200101000000Z', '20200201000000Z'] as const
const FUTURE = ['20980101000000Z', '20990101000000Z'] as const

const ca = new OpensslCa()
/** Another key with the same name. */
const twin = new OpensslCa()
const other = new OpensslCa('Other CA')
const devices = ca.issue({ subject: '/CN=Devices', ca: true })
const mute = ca.issue({
  subject: '/CN=Mute',
  extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign'],
})
const alice = ca.issue({ subject: '/CN=alice' })
const bob = ca.issue({ subject: '/CN=bob' })
const phone = ca.issueBelow(devices, { subject: '/CN=phone' })
const quiet = ca.issueBelow(mute, { subject: '/CN=quiet' })
afterAll(() => {
  for (const one of [ca, twin, other]) one.remove()
})

const CA_FINGERPRINT = readCertificate(decodePemAll(ca.credentials.cert, 'CERTIFICATE', 'ca')[0]!).fingerprint

/** `revoked`, `good`, or the reasons why it cannot be known, of the certificate and the CAs above it. */
async function judge({ cert }: Credentials, crls: readonly (string | Uint8Array)[], exempt: readonly string[] = []) {
  const anchors = new TrustAnchors([ca.credentials.cert])
  const lists = await revocationLists(crls, [ca.credentials.cert], exempt)
  const [leaf, ...sent] = decodePemAll(cert, 'CERTIFICATE', 'a certificate')
  const certificate = SignedCertificate.open(leaf!)
  if (isRefusal(certificate)) throw new Error(certificate.reason)
  const path = findPath({ leaf: certificate, sent: () => sent, anchors, judge: (found) => found })
  if (isRefusal(path)) throw new Error(path.reason)
  const reasons: string[] = []
  let issued = certificate
  for (const issuer of path) {
    const answer = lists.statusOf(issued, issuer, NOW)
    if (answer.kind === 'revoked') return issuer === path[0] ? 'revoked' : 'CA revoked'
    if (answer.kind === 'unknown') reasons.push(`${issuer.facts.subject}: ${answer.reason}`)
    issued = issuer.certificate
  }
  return reasons.join('; ') || 'good'
}

const fresh = () => ca.crl({ revoked: [bob] })

describe('RevocationLists (RFC 5280 §6.3)', () => {
  it.each([
    { name: 'in the list', who: bob, crls: () => [fresh()], expected: 'revoked' },
    { name: 'not in the list', who: alice, crls: () => [fresh()], expected: 'good' },
    { name: 'no list', who: bob, crls: () => [], expected: 'CN=Test CA: there is no CRL of it' },
    { name: 'a list of another CA', who: bob, crls: () => [other.crl()], expected: /there is no CRL/ },
    {
      name: 'a list that another key of the same name has signed',
      who: bob,
      crls: () => [twin.crl({ revoked: [bob] })],
      expected: /there is no CRL/,
    },
    {
      name: 'a stale list without it',
      who: alice,
      crls: () => [ca.crl({ revoked: [bob], validity: STALE })],
      expected: /its CRL is stale since 2020-02-01/,
    },
    {
      name: 'a stale list with it',
      who: bob,
      crls: () => [ca.crl({ revoked: [bob], validity: STALE })],
      expected: 'revoked',
    },
    {
      name: 'a list of the future',
      who: alice,
      crls: () => [ca.crl({ validity: FUTURE })],
      expected: /not valid before 2098/,
    },
    {
      name: 'a stale list and a fresh one',
      who: alice,
      crls: () => [ca.crl({ validity: STALE }), fresh()],
      expected: 'good',
    },
    {
      name: 'a part of a list (RFC 5280 §5.2.5)',
      who: bob,
      crls: () => [ca.crl({ revoked: [bob], extensions: ['2.5.29.28=critical,DER:30038101ff'] })],
      expected: 'revoked',
    },
    {
      name: 'below an intermediate CA without a list of its own',
      who: phone,
      crls: () => [fresh()],
      expected: 'CN=Devices: there is no CRL of it',
    },
    {
      name: 'below an intermediate CA',
      who: phone,
      crls: () => [fresh(), ca.crl({ by: devices })],
      expected: 'good',
    },
    {
      name: 'revoked by the intermediate CA',
      who: phone,
      crls: () => [fresh(), ca.crl({ by: devices, revoked: [phone] })],
      expected: 'revoked',
    },
    {
      name: 'below an intermediate CA that is revoked',
      who: phone,
      crls: () => [ca.crl({ revoked: [devices] }), ca.crl({ by: devices })],
      expected: 'CA revoked',
    },
    {
      name: 'by a CA that may not sign lists (§6.3.3 f)',
      who: quiet,
      crls: () => [fresh(), ca.crl({ by: mute, revoked: [quiet] })],
      expected: 'CN=Mute: there is no CRL of it',
    },
  ])('$name', async ({ who, crls, expected }) => {
    const said = await judge(who, crls())
    if (expected instanceof RegExp) expect(said).toMatch(expected)
    else expect(said).toBe(expected)
  })

  it('needs no list of an exempt CA, and believes the one that there is', async () => {
    expect(await judge(bob, [], [CA_FINGERPRINT])).toBe('good')
    expect(await judge(bob, [fresh()], [CA_FINGERPRINT])).toBe('revoked')
  })

  it('goes by every list of which none is newer', async () => {
    expect(await judge(bob, [ca.crl({ revoked: [bob], validity: STALE }), ca.crl()])).toBe('revoked')
  })

  it('goes by the newest of a scope', async () => {
    const newer = ca.crl({ validity: ['20250101000000Z', '20990101000000Z'] })
    expect(await judge(bob, [fresh(), newer])).toBe('good')
    expect(await judge(bob, [newer, fresh()])).toBe('good')
  })
})
