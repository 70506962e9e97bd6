import { beforeAll, describe, expect, it } from 'vitest'
import { prepareOcspResponder, prepareServer, sign } from '../../src/pki/issue/issue.ts'
import type { Issuer } from '../../src/pki/issue/issuer.ts'
import { createCrl } from '../../src/pki/revocation/crl.ts'
import { readCertificates } from '../../src/pki/x509/certificate-file.ts'
import type { CertificateId } from '../../src/store/certificate-id.ts'
import { type VerifyRequest, verifyCertificate } from '../../src/trust/verify.ts'
import { NOW, testClient, testIssuing, testKeys, testRoot } from '../pki/support.ts'
import { readLists } from '../support/certificates/crls.ts'

const DAY = 86_400_000
/** As RFC 4514 writes it. */
const EXAMPLE = 'Example\\, Inc.'
const later = (days: number) => new Date(NOW.getTime() + days * DAY)

let root: Issuer
let client: Awaited<ReturnType<typeof testClient>>
beforeAll(async () => {
  root = await testRoot()
  client = await testClient(root, 'alice@example.org')
})

function verify(changes: Partial<VerifyRequest> = {}) {
  return verifyCertificate({
    chain: [client.der],
    anchors: root.certificate.pem,
    anchorSource: 'root.crt',
    purpose: undefined,
    now: NOW,
    find: undefined,
    crls: undefined,
    ...changes,
  })
}

/** The texts of the checks that failed. */
function failures(changes: Partial<VerifyRequest>): string[] {
  const { valid, checks } = verify(changes)
  const failed = checks.filter(({ ok }) => !ok).map(({ name, text }) => `${name}: ${text}`)
  expect(valid).toBe(failed.length === 0)
  return failed
}

interface CrlChanges {
  readonly issuer?: Issuer
  readonly thisUpdate?: Date
}

/** A list with these serial numbers, as it is read where the root is trusted. */
async function crlOf(serials: readonly string[], { issuer = root, thisUpdate = NOW }: CrlChanges = {}) {
  const entries = serials.map((serial) => ({ serial, revokedAt: NOW, reason: 'superseded' as const }))
  const { der } = await createCrl({ issuer, entries, number: 1n, thisUpdate, nextUpdate: later(30) })
  return readLists([der], [root.certificate.pem])
}

describe('verifyCertificate', () => {
  it('accepts what the CA issued and says what it looked at', () => {
    const { valid, checks, serial } = verify()
    expect({ valid, serial }).toEqual({ valid: true, serial: client.serial })
    expect(checks.map(({ name, text }) => [name, text])).toEqual([
      ['form', 'readable without doubt'],
      ['dates', 'valid until 2027-07-14T12:00:00.000Z'],
      ['purpose', 'clientAuth'],
      ['chain', `issued by ${root.certificate.subject}`],
      ['revocation', 'not checked: neither a ledger nor a CRL was given'],
    ])
  })

  it('makes every check, also after one has failed', async () => {
    const other = await testRoot()
    expect(failures({ now: later(600), purpose: 'serverAuth', anchors: other.certificate.pem })).toEqual([
      'dates: expired on 2027-07-14T12:00:00.000Z',
      'purpose: extended key usage without serverAuth',
      'chain: a CA of the right name is known, but its key has not signed it',
    ])
  })

  it('takes the root itself, and the purpose that a server certificate states', async () => {
    expect(failures({ chain: [root.certificate.der] })).toEqual([])
    const { publicKey } = await testKeys('ec:p256')
    const server = await sign(
      prepareServer({ domains: ['example.org'], publicKey, days: 90, now: NOW, issuer: root }),
      root.key,
    )
    expect(verify({ chain: [server.der] }).checks[2]).toEqual({ name: 'purpose', ok: true, text: 'serverAuth' })
    expect(failures({ chain: [server.der], purpose: 'clientAuth' })).toEqual([
      'purpose: extended key usage without clientAuth',
    ])
  })

  it('takes an OCSP responder for what it is, not for a user', async () => {
    const { publicKey } = await testKeys('ec:p256')
    const request = { commonName: 'Test OCSP', publicKey, days: 30, now: NOW, issuer: root }
    const { der } = await sign(prepareOcspResponder(request), root.key)
    expect(verify({ chain: [der] }).checks[2]).toEqual({ name: 'purpose', ok: true, text: 'an OCSP responder' })
    expect(failures({ chain: [der] })).toEqual([])
    expect(failures({ chain: [der], purpose: 'clientAuth' })).toHaveLength(1)
  })

  it.each([
    ['unknown to it', undefined, []],
    ['known', { revokedAt: undefined }, []],
    [
      'revoked',
      { revokedAt: NOW.getTime(), revocationReason: 'keyCompromise' },
      ['revocation: revoked on 2026-03-01T12:00:00.000Z (keyCompromise), says the ledger'],
    ],
    [
      'another of that serial',
      { fingerprint: 'ff' },
      ['revocation: the ledger has another certificate with this serial number'],
    ],
  ])('asks the ledger: %s', (_, row, expected) => {
    const { revokedAt, ...rest } = { fingerprint: client.fingerprint, revokedAt: undefined, ...row }
    const entry = { ...rest, ...(revokedAt === undefined ? {} : { revokedAt }) }
    const isAsked = ({ serial, authority }: CertificateId) => serial === client.serial && authority === root.id
    expect(failures({ find: (id) => (row !== undefined && isAsked(id) ? entry : undefined) })).toEqual(expected)
  })

  it('asks a CRL (RFC 5280 §6.3), stale or not', async () => {
    expect(failures({ crls: await crlOf(['abcd']) })).toEqual([])
    const crls = await crlOf([client.serial])
    const revoked = ['revocation: revoked on 2026-03-01T12:00:00.000Z (superseded), says the CRL']
    expect(failures({ crls })).toEqual(revoked)
    expect(failures({ crls, now: later(31) })).toEqual(revoked)
  })

  it('does not believe a CRL that is stale, early, forged, or of another CA', async () => {
    const unknown = (reason: string) => [
      `revocation: not known whether CN=Test Root,O=${EXAMPLE} has revoked it: ${reason}`,
    ]
    expect(failures({ crls: await crlOf([]), now: later(31) })).toEqual(
      unknown('its CRL is stale since 2026-03-31T12:00:00.000Z'),
    )
    expect(failures({ crls: await crlOf([], { thisUpdate: later(1) }) })).toEqual(
      unknown('its CRL is not valid before 2026-03-02T12:00:00.000Z'),
    )
    const twin = await testRoot()
    const forged = unknown('there is no CRL of it; a CRL cannot be used: its CA has not signed it')
    expect(failures({ crls: await crlOf([], { issuer: twin }) })).toEqual(forged)
    // The twin has the same name; sent along as an intermediate it must not vouch for its own CRL.
    const chain = [client.der, twin.certificate.der] as const
    expect(failures({ chain: [...chain], crls: await crlOf([], { issuer: twin }) })).toEqual(forged)
    const issuing = await testIssuing(root)
    expect(failures({ crls: await crlOf([], { issuer: issuing }) })).toEqual(unknown('there is no CRL of it'))
  })
})

describe('readCertificates', () => {
  it('reads DER, PEM and chains in order', () => {
    const pem = client.pem + root.certificate.pem
    expect(readCertificates(client.der, 'FILE')).toHaveLength(1)
    expect(readCertificates(Buffer.from(`0 text\n${pem}`), 'FILE').map((der) => der.length)).toEqual([
      client.der.length,
      root.certificate.der.length,
    ])
  })

  it.each(['', '0', 'hello', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'])(
    'refuses %j',
    (text) => {
      expect(() => readCertificates(Buffer.from(text), 'FILE')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
    },
  )
})
