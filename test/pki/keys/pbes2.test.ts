import { createDecipheriv, createPublicKey, generateKeyPairSync, pbkdf2Sync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { octetString, sequence } from '../../../src/pki/der/der-writer.ts'
import { encodePem } from '../../../src/pki/der/pem.ts'
import { decodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { encryptPbes2, isPadded, pbes2Cipher } from '../../../src/pki/keys/pbes2.ts'

describe('PBES2 (RFC 8018 §6.2)', () => {
  it('is what OpenSSL reads as PKCS #8', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const { algorithm, ciphertext } = await encryptPbes2(privateKey.export({ type: 'pkcs8', format: 'der' }), 'open', 2)
    const pem = encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(ciphertext)))
    const read = decodePrivateKey(pem, { source: 'test', passphrase: 'open' })
    expect(createPublicKey(read.privateKey).equals(publicKey)).toBe(true)
  })

  it('never seems to fit a password that must not: by chance it would once in 256 times', async () => {
    const plaintext = Buffer.alloc(100)
    for (let round = 0; round < 2000; round++) {
      const { algorithm, ciphertext } = (await pbes2Cipher('right', 1, 'wrong'))(plaintext)
      // SEQUENCE of the OID, and in the parameters the one of PBKDF2, whose salt comes first.
      const salt = Buffer.from(algorithm)
        .subarray(Buffer.from(algorithm).indexOf(Buffer.from([0x04, 0x10])) + 2)
        .subarray(0, 16)
      const keyOf = (password: string) => pbkdf2Sync(password, salt, 1, 32, 'sha256')
      expect(isPadded('aes-256-cbc', keyOf('wrong'), ciphertext)).toBe(false)
      if (round === 0) expect(isPadded('aes-256-cbc', keyOf('right'), ciphertext)).toBe(true)
    }
  })
})

describe('isPadded', () => {
  it.each(['aes-256-cbc', 'des-ede3-cbc'] as const)('agrees with %s over the whole text', (algorithm) => {
    const [length, block] = algorithm === 'aes-256-cbc' ? [32, 16] : [24, 8]
    const key = Buffer.alloc(length, 7)
    let padded = 0
    for (let n = 0; n < 3000; n++) {
      const ciphertext = Buffer.alloc(3 * block)
      ciphertext.writeUInt32BE(n, 2 * block)
      const decipher = createDecipheriv(algorithm, key, Buffer.alloc(block))
      let expected = true
      try {
        Buffer.concat([decipher.update(ciphertext), decipher.final()])
      } catch {
        expected = false
      }
      expect(isPadded(algorithm, key, ciphertext)).toBe(expected)
      if (expected) padded += 1
    }
    expect(padded).toBeGreaterThan(0)
  })
})
