import { beforeAll, describe, expect, it } from 'vitest'
import { type CertificateFacts, readCertificate } from '../../src/pki/x509/certificate.ts'
import { checkForm, checkPurpose, checkValidity } from '../../src/trust/checks.ts'
import { testClient, testRoot } from '../pki/support.ts'

let facts: CertificateFacts
beforeAll(async () => {
  facts = readCertificate((await testClient(await testRoot(), 'alice@example.org')).der)
})

describe('checkValidity', () => {
  it.each([
    ['the first second', () => facts.notBefore, undefined],
    ['the last second (RFC 5280 §4.1.2.5: inclusive)', () => new Date(facts.notAfter.getTime() + 999), undefined],
    [
      'before',
      () => new Date(facts.notBefore.getTime() - 1),
      { check: 'not-yet-valid', reason: 'not valid before 2026-03-01T11:55:00.000Z' },
    ],
    [
      'after',
      () => new Date(facts.notAfter.getTime() + 1000),
      { check: 'expired', reason: 'expired on 2027-07-14T12:00:00.000Z' },
    ],
  ])('%s', (_, now, refusal) => {
    expect(checkValidity(facts, now())).toEqual(refusal)
  })
})

describe('checkPurpose', () => {
  it.each<[string, Partial<CertificateFacts>, string | undefined]>([
    ['no key usage, as the walk-through makes them', { keyUsage: undefined, extendedKeyUsage: undefined }, undefined],
    ['digitalSignature among others', { keyUsage: ['keyEncipherment', 'digitalSignature'] }, undefined],
    ['key usage without digitalSignature', { keyUsage: ['keyEncipherment'] }, 'key usage without digitalSignature'],
    ['an empty key usage', { keyUsage: [] }, 'key usage without digitalSignature'],
    ['clientAuth among others', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'] }, undefined],
    ['serverAuth only', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }, 'extended key usage without clientAuth'],
    ['anyExtendedKeyUsage only', { extendedKeyUsage: ['2.5.29.37.0'] }, 'extended key usage without clientAuth'],
    ['an empty extended key usage', { extendedKeyUsage: [] }, 'extended key usage without clientAuth'],
  ])('%s', (_, change, reason) => {
    expect(checkPurpose({ ...facts, ...change }, 'clientAuth')).toEqual(
      reason && { check: 'not-for-client-auth', reason },
    )
  })

  it('is asked for servers as well', () => {
    expect(checkPurpose(facts, 'serverAuth')).toMatchObject({ check: 'not-for-server-auth' })
  })
})

describe('checkForm', () => {
  it.each<[string, Partial<CertificateFacts>, string | undefined]>([
    ['nothing wrong', {}, undefined],
    ['an unknown critical extension', { unknownCritical: ['1.2.3.4'] }, 'critical-extension'],
    ['something malformed', { malformed: ['subject contains NUL'] }, 'malformed'],
  ])('%s', (_, change, check) => {
    expect(checkForm({ ...facts, ...change })?.check).toBe(check)
  })

  it('keeps the reason short whatever a peer sends', () => {
    const malformed = Array.from({ length: 1000 }, (_, i) => `extension 1.${i} is there twice`)
    expect(checkForm({ ...facts, malformed })?.reason).toBe(
      'extension 1.0 is there twice, extension 1.1 is there twice, extension 1.2 is there twice …',
    )
  })
})
