import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DerError, readSingle, TAG } from '../../../src/pki/der/der.ts'
import { element, integer, nullValue, oid, sequence } from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { keyFault } from '../../../src/pki/keys/key-strength.ts'
import { type Folder, openssl, readOctets, temporaryFolder } from '../support.ts'

let folder: Folder

beforeAll(() => {
  folder = temporaryFolder()
})

afterAll(() => folder.remove())

function faultOf(spki: Uint8Array, minRsaBits?: number) {
  return keyFault(readSingle(spki, TAG.sequence), minRsaBits)
}

function opensslKey(algorithm: string, ...options: string[]): Uint8Array {
  const more = options.flatMap((option) => ['-pkeyopt', option])
  openssl(folder, 'genpkey', '-algorithm', algorithm, ...more, '-out', 'one.key')
  openssl(folder, 'pkey', '-in', 'one.key', '-pubout', '-outform', 'DER', '-out', 'one.der')
  return readOctets(folder, 'one.der')
}

function bits(...octets: Uint8Array[]): Uint8Array {
  return element(TAG.bitString, Uint8Array.of(0), ...octets)
}

function rsaKey(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  return sequence(
    sequence(oid(OID.rsaEncryption), nullValue()),
    bits(sequence(element(TAG.integer, modulus), element(TAG.integer, exponent))),
  )
}

/** As many bits, all of them one. */
function ones(count: number): Uint8Array {
  return Buffer.from(((1n << BigInt(count)) - 1n).toString(16).padStart(Math.ceil((count + 1) / 8) * 2, '0'), 'hex')
}

const F4 = Uint8Array.of(1, 0, 1)

describe('keys that TLS accepts (RFC 8446 §4.2.3)', () => {
  it.each([
    ['ED25519', []],
    ['ED448', []],
    ['RSA', ['rsa_keygen_bits:2048']],
    ['RSA', ['rsa_keygen_bits:2048', 'rsa_keygen_pubexp:3']],
    ['RSA-PSS', ['rsa_keygen_bits:2048']],
    ['RSA-PSS', ['rsa_keygen_bits:2048', 'rsa_pss_keygen_md:sha384', 'rsa_pss_keygen_mgf1_md:sha384']],
    ['EC', ['ec_paramgen_curve:P-256']],
    ['EC', ['ec_paramgen_curve:P-384']],
    ['EC', ['ec_paramgen_curve:P-521']],
  ])('%s %j', (algorithm, options) => {
    expect(faultOf(opensslKey(algorithm, ...options))).toBeUndefined()
  })
})

describe('keys that are not accepted', () => {
  it.each<[algorithm: string, options: string[], reason: string]>([
    ['EC', ['ec_paramgen_curve:P-224'], 'an elliptic curve key on P-224'],
    ['EC', ['ec_paramgen_curve:secp256k1'], 'an elliptic curve key on secp256k1'],
    ['EC', ['ec_paramgen_curve:brainpoolP256r1'], 'an elliptic curve key on brainpoolP256r1'],
    ['EC', ['ec_paramgen_curve:secp160r1'], 'an elliptic curve key on the curve 1.3.132.0.8'],
    ['EC', ['ec_paramgen_curve:P-256', 'ec_param_enc:explicit'], 'an elliptic curve key with explicit parameters'],
    [
      'RSA-PSS',
      ['rsa_keygen_bits:2048', 'rsa_pss_keygen_md:sha1', 'rsa_pss_keygen_mgf1_md:sha1'],
      'an RSASSA-PSS key for another hash than SHA-256, SHA-384 or SHA-512',
    ],
    ['X25519', [], 'a key of the algorithm 1.3.101.110'],
  ])('%s %j', (algorithm, options, what) => {
    expect(faultOf(opensslKey(algorithm, ...options))).toEqual({
      check: 'unsupported-key',
      reason: `${what}, which TLS does not accept`,
    })
  })

  it('of DSA', () => {
    const { publicKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })
    expect(faultOf(publicKey.export({ type: 'spki', format: 'der' }))?.reason).toContain('a DSA key')
  })

  it.each<[bits: number, least: number | undefined, reason: string | undefined]>([
    [2048, undefined, undefined],
    [2047, undefined, 'an RSA key of 2047 bits, fewer than 2048'],
    [1024, undefined, 'an RSA key of 1024 bits, fewer than 2048'],
    [1024, 1024, undefined],
    [1023, 1024, 'an RSA key of 1023 bits, fewer than 1024'],
    [3072, 4096, 'an RSA key of 3072 bits, fewer than 4096'],
    [16_384, undefined, undefined],
    [16_385, undefined, 'an RSA key of 16385 bits, which TLS does not accept'],
  ])('of RSA, with %i bits where %s are the least', (count, least, reason) => {
    expect(faultOf(rsaKey(ones(count), F4), least)?.reason).toBe(reason)
  })

  it.each([
    ['more than 64 bits', ones(65)],
    ['impossible', Uint8Array.of(1)],
    ['impossible', Uint8Array.of(4)],
    ['impossible', Uint8Array.of(0)],
  ])('of RSA, with a public exponent that is %s', (_, exponent) => {
    expect(faultOf(rsaKey(ones(2048), exponent))?.check).toBe('unsupported-key')
  })

  it.each<[what: string, spki: Uint8Array]>([
    ['a negative modulus', rsaKey(Uint8Array.of(0xff), F4)],
    ['no exponent', sequence(sequence(oid(OID.rsaEncryption)), bits(sequence(integer(5))))],
    ['no key', sequence(sequence(oid(OID.rsaEncryption)))],
    ['no algorithm', sequence(sequence(), bits())],
  ])('because they are damaged: %s', (_, spki) => {
    expect(() => faultOf(spki)).toThrow(DerError)
  })
})
