import { describe, expect, it } from 'vitest'
import { DerReader } from '../../../src/pki/der/der.ts'
import { readLooseTime } from '../../../src/pki/revocation/loose-time.ts'
import { generalizedTime, utcTime } from '../../support/certificates/odd-crl.ts'

const read = (octets: Uint8Array) => readLooseTime(new DerReader(octets).next()).toISOString()

describe('times of CRLs (RFC 5280 §5.1.2.4, X.690 §8.25, §8.26)', () => {
  it.each([
    [utcTime('250102030405Z'), '2025-01-02T03:04:05.000Z'],
    [utcTime('2501020304Z'), '2025-01-02T03:04:00.000Z'],
    [utcTime('500102030405Z'), '1950-01-02T03:04:05.000Z'],
    [utcTime('491231235959Z'), '2049-12-31T23:59:59.000Z'],
    [utcTime('2501020304+0130'), '2025-01-02T01:34:00.000Z'],
    [utcTime('250102030405-0500'), '2025-01-02T08:04:05.000Z'],
    [generalizedTime('20250102030405Z'), '2025-01-02T03:04:05.000Z'],
    [generalizedTime('20250102030405.678Z'), '2025-01-02T03:04:05.000Z'],
    [generalizedTime('20250102030405,6+0100'), '2025-01-02T02:04:05.000Z'],
    [generalizedTime('205002030405Z'), '2050-02-03T04:05:00.000Z'],
  ])('%s', (octets, expected) => {
    expect(read(octets)).toBe(expected)
  })

  it.each([
    ['no time zone', generalizedTime('20250102030405')],
    ['no minutes', utcTime('25010203Z')],
    ['the 31st of February', utcTime('250231000000Z')],
    ['24:00', utcTime('250101240000Z')],
    ['an offset of a day', utcTime('250101000000+2400')],
    ['nothing', utcTime('')],
    ['very much', generalizedTime(`20250102030405.${'1'.repeat(100)}Z`)],
  ])('refuses %s', (_, octets) => {
    expect(() => read(octets)).toThrow(expect.objectContaining({ name: 'DerError' }))
  })
})
