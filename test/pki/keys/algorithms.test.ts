import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { KEY_TYPES, keyAlgorithm, keyTypeOf, parseKeyType } from '../../../src/pki/keys/algorithms.ts'
import { testKeys } from '../support.ts'

describe('key types', () => {
  it.each(KEY_TYPES)('%s has a row that finds itself', async (id) => {
    expect(keyAlgorithm(id).id).toBe(id)
    expect(parseKeyType(id)).toBe(keyAlgorithm(id))
    const { publicKey, privateKey } = await testKeys(id)
    expect(keyTypeOf(publicKey)).toBe(keyAlgorithm(id))
    expect(keyTypeOf(privateKey)).toBe(keyAlgorithm(id))
  })

  it.each(['', 'rsa', 'rsa:1024', 'EC:P256', 'constructor', 'toString'])('refuses %j and lists the choices', (text) => {
    expect(() => parseKeyType(text)).toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        hint: 'choose one of ec:p256, ec:p384, ed25519, rsa:2048, rsa:3072, rsa:4096',
      }),
    )
  })

  it.each([
    [
      'RSA of 1024 bits',
      () => generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
      'an RSA key of 1024 bits',
    ],
    [
      'RSA with exponent 3',
      () => generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey,
      'exponent below',
    ],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).publicKey, 'on secp521r1'],
    ['Ed448', () => generateKeyPairSync('ed448').publicKey, 'a ed448 key'],
    ['X25519', () => generateKeyPairSync('x25519').publicKey, 'a x25519 key'],
    ['RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey, 'a rsa-pss key'],
    ['a secret', () => createSecretKey(Buffer.alloc(32)), 'a symmetric key'],
  ])('refuses %s', (_, make, message) => {
    expect(() => keyTypeOf(make())).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining(message) }),
    )
  })
})
