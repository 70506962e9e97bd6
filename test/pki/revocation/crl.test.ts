import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import type { KeyPair } from '../../../src/pki/keys/keys.ts'
import { createCrl } from '../../../src/pki/revocation/crl.ts'
import { isCrlSignedBy, readCrl } from '../../../src/pki/revocation/crl-facts.ts'
import { REVOCATION_REASONS } from '../../../src/pki/revocation/revocation-reason.ts'
import type { RevokedEntry } from '../../../src/pki/revocation/revoked-entry.ts'
import { leastCpuTime } from '../../support/processes/cpu-time.ts'
import { type Folder, NOW, openssl, temporaryFolder, testClient, testKeys, testRoot, tryOpenssl } from '../support.ts'

const NEXT = new Date('2026-04-01T12:00:00.000Z')

let folder: Folder
let keys: KeyPair
let root: Issuer
beforeAll(async () => {
  folder = temporaryFolder()
  keys = await testKeys('ec:p256')
  root = await testRoot({ keys })
})
afterAll(() => folder.remove())

function crlOf(
  entries: readonly RevokedEntry[],
  options: { issuer?: Issuer; number?: bigint; nextUpdate?: Date } = {},
) {
  const { issuer = root, number = 7n, nextUpdate = NEXT } = options
  return createCrl({ issuer, entries, number, thisUpdate: NOW, nextUpdate })
}

const openKey = (issuer: Issuer) => issuer.key.publicKey

describe('createCrl (RFC 5280 §5)', () => {
  it.each(KEY_TYPES)('is verified by openssl with a CA key of type %s', async (type) => {
    const issuer = await testRoot({ keys: await testKeys(type) })
    const { pem } = await crlOf([{ serial: '0abc', revokedAt: NOW, reason: 'keyCompromise' }], { issuer })
    folder.write('ca.pem', issuer.certificate.pem)
    const printed = openssl(folder, 'crl', '-in', folder.write('a.crl', pem), '-CAfile', 'ca.pem', '-noout', '-text')
    expect(printed).toContain('verify OK')
    expect(printed).toContain('Version 2 (0x1)')
    expect(printed).toMatch(/X509v3 CRL Number: \s+7\n/)
    expect(printed).toMatch(/Serial Number: 0ABC[\s\S]*Key Compromise/)
    const identifier = Buffer.from(issuer.keyIdentifier).toString('hex').toUpperCase()
    expect(printed.replaceAll(':', '')).toContain(identifier)
    expect(isCrlSignedBy(readCrl(pem, 'a.crl'), openKey(issuer))).toBe(true)
  })

  it('makes openssl verify refuse the revoked certificate and pass the other', async () => {
    const [lost, kept] = await Promise.all([testClient(root, 'alice@example.org'), testClient(root, 'bob@example.org')])
    const { pem } = await crlOf([{ serial: lost.serial, revokedAt: NOW, reason: 'keyCompromise' }])
    folder.write('ca.pem', root.certificate.pem)
    folder.write('list.pem', pem)
    const verify = (name: string, certificate: string) =>
      tryOpenssl(folder, [
        ...[
          'verify',
          '-x509_strict',
          '-attime',
          String(NOW.getTime() / 1000 + 60),
          '-crl_check',
          '-CRLfile',
          'list.pem',
        ],
        ...['-CAfile', 'ca.pem', folder.write(name, certificate)],
      ])
    expect(verify('lost.pem', lost.pem).stderr).toContain('certificate revoked')
    expect(verify('kept.pem', kept.pem).stdout).toContain('OK')
  })

  it('leaves the list out when nothing is revoked (§5.1.2.6)', async () => {
    const { pem } = await crlOf([])
    expect(openssl(folder, 'crl', '-in', folder.write('empty.crl', pem), '-noout', '-text')).toContain(
      'No Revoked Certificates.',
    )
  })

  it.each(REVOCATION_REASONS)('gives the reason %s back', async (reason) => {
    const { entries } = readCrl((await crlOf([{ serial: '01', revokedAt: NOW, reason }])).der, 'made')
    // §5.3.1: unspecified is said by saying nothing.
    expect(entries).toEqual([{ serial: '01', revokedAt: NOW, ...(reason === 'unspecified' ? {} : { reason }) }])
  })

  it('sorts by number, keeps the top bit of serials and writes years from 2050 on in full (§5.1.2.6)', async () => {
    const late = new Date('2051-02-03T04:05:06.000Z')
    const serials = ['ff00000000000000000000000000000000000001', '80', '0100', '01']
    const { der } = await crlOf(
      serials.map((serial) => ({ serial, revokedAt: late })),
      { nextUpdate: new Date('2060-01-01T00:00:00.000Z'), number: 1n << 150n },
    )
    const facts = readCrl(der, 'made')
    expect(facts.entries.map(({ serial }) => serial)).toEqual(['01', '80', '0100', serials[0]])
    expect(facts.entries.every(({ revokedAt }) => revokedAt.getTime() === late.getTime())).toBe(true)
    expect(facts.nextUpdate).toEqual(new Date('2060-01-01T00:00:00.000Z'))
    expect(facts.number).toBe(1n << 150n)
    const printed = openssl(folder, 'crl', '-inform', 'DER', '-in', folder.write('late.crl', der), '-noout', '-text')
    expect(printed).toContain('Feb  3 04:05:06 2051 GMT')
  })

  it('takes far less than 3 s for 20,000 entries, written and read', async () => {
    const entries = Array.from({ length: 20_000 }, (_, n) => ({
      serial: (BigInt(n) + (1n << 120n)).toString(16),
      revokedAt: NOW,
      reason: 'superseded' as const,
    }))
    const { der } = await crlOf(entries)
    const work = () => expect(readCrl(der, 'made').entries).toHaveLength(20_000)
    expect(leastCpuTime(work, 3000)).toBeLessThan(3000)
  })

  it('has room for more entries than a call has for arguments', async () => {
    const entries = Array.from({ length: 130_000 }, (_, n) => ({ serial: (n + 1).toString(16), revokedAt: NOW }))
    expect((await crlOf(entries)).der.length).toBeGreaterThan(130_000 * 20)
  })

  it.each([
    ['a negative number', { number: -1n }, 'cannot be a CRL number'],
    ['a number of more than 20 octets', { number: 1n << 159n }, 'cannot be a CRL number'],
    ['an end before its start', { nextUpdate: NOW }, 'the next update'],
  ])('refuses %s', async (_, options, message) => {
    await expect(crlOf([], options)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(message),
    })
  })

  it('refuses a serial that is there twice, however it is written, and one that is none', async () => {
    const twice = ['0a', '000a'].map((serial) => ({ serial, revokedAt: NOW }))
    await expect(crlOf(twice)).rejects.toMatchObject({ code: 'INTERNAL' })
    await expect(crlOf([{ serial: 'x1', revokedAt: NOW }])).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })

  it('has room for serial numbers that RFC 5280 §4.1.2.2 forbids: negative ones, zero, and very long ones', async () => {
    const long = `f${'0'.repeat(127)}`
    const serials = [long, '00', '-05', '7f', '-80aa', '-80', '-0100', `-${long}`]
    const { der } = await crlOf(serials.map((serial) => ({ serial, revokedAt: NOW })))
    const read = readCrl(der, 'made').entries.map(({ serial }) => serial)
    expect(read).toEqual([`-${long}`, '-80aa', '-0100', '-80', '-05', '00', '7f', long])
    folder.write('ca.pem', root.certificate.pem)
    const odd = folder.write('odd.crl', der)
    const printed = openssl(folder, 'crl', '-inform', 'DER', '-in', odd, '-CAfile', 'ca.pem', '-noout', '-text')
    expect(printed).toContain('verify OK')
    const whole = printed.replaceAll('\\\n', '')
    expect([...whole.matchAll(/Serial Number: (\S+)/g)].map(([, serial]) => serial?.toLowerCase())).toEqual(read)
  })
})

describe('readCrl', () => {
  it('reads what openssl ca makes', () => {
    folder.write('ca.pem', root.certificate.pem)
    folder.write('ca.key', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    folder.write('index.txt', 'R\t300101000000Z\t260102030405Z,keyCompromise\t0FF0\tunknown\t/CN=lost\n')
    folder.write('crlnumber', '1234\n')
    const lines = ['[ca]', 'default_ca=d', '[d]', 'database=index.txt', 'crlnumber=crlnumber', 'default_md=sha512']
    folder.write('ca.cnf', `${[...lines, 'crl_extensions=x', '[x]', 'authorityKeyIdentifier=keyid'].join('\n')}\n`)
    const signer = ['-cert', 'ca.pem', '-keyfile', 'ca.key', '-crldays', '30']
    openssl(folder, 'ca', '-gencrl', '-config', 'ca.cnf', ...signer, '-out', 'made.crl')
    const facts = readCrl(folder.read('made.crl'), 'made.crl')
    expect(facts).toMatchObject({ version: 2, number: 0x1234n, unknownCritical: [] })
    expect(facts.issuer).toBe(root.certificate.subject)
    expect(facts.entries).toEqual([
      { serial: '0ff0', revokedAt: new Date('2026-01-02T03:04:05.000Z'), reason: 'keyCompromise' },
    ])
    expect(isCrlSignedBy(facts, openKey(root))).toBe(true)
  })

  it('knows the signature of another', async () => {
    const [other, { der }] = [await testRoot(), await crlOf([])]
    expect(isCrlSignedBy(readCrl(der, 'made'), openKey(other))).toBe(false)
    const forged = Buffer.from(der)
    forged.write('X', forged.indexOf('Test Root'), 'latin1')
    expect(isCrlSignedBy(readCrl(forged, 'made'), openKey(root))).toBe(false)
  })

  it('refuses a certificate, trailing octets and nothing at all', async () => {
    const { der } = await crlOf([])
    for (const octets of [root.certificate.der, Buffer.concat([der, Uint8Array.of(0)]), new Uint8Array()]) {
      expect(() => readCrl(octets, 'x.crl')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
    }
    expect(() => readCrl(root.certificate.pem, 'x.crl')).toThrow('x.crl holds no X509 CRL in PEM form')
  })
})
