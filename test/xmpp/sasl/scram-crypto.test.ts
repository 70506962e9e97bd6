import { describe, expect, it } from 'vitest'
import { digest, hmac, saltedPassword } from '../../../src/xmpp/sasl/scram-crypto.ts'

/** H() of "abc" (FIPS 180-4), HMAC() of "Jefe" (RFC 2202, RFC 4231), Hi() of "password" and "salt" (RFC 6070). */
const VECTORS = [
  {
    hash: 'sha-1',
    h: 'a9993e364706816aba3e25717850c26c9cd0d89d',
    mac: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
    hi: '4b007901b765489abead49d926f721d065a429c1',
  },
  {
    hash: 'sha-256',
    h: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    hi: 'c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a',
  },
  {
    hash: 'sha-512',
    h: 'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    mac: '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    hi: 'd197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5',
  },
] as const

describe.each(VECTORS)('the functions of RFC 5802 §2.2 with $hash', ({ hash, h, mac, hi }) => {
  it('H()', () => {
    expect(digest(hash, Buffer.from('abc')).toString('hex')).toBe(h)
  })

  it('HMAC(), of text and of octets', () => {
    const text = 'what do ya want for nothing?'
    expect(hmac(hash, Buffer.from('Jefe'), text).toString('hex')).toBe(mac)
    expect(hmac(hash, Buffer.from('Jefe'), Buffer.from(text)).toString('hex')).toBe(mac)
  })

  it('Hi()', async () => {
    expect((await saltedPassword(hash, 'password', Buffer.from('salt'), 4096)).toString('hex')).toBe(hi)
  })
})
