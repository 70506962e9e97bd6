import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectPrivate, IS_POSSIBLE, SoftHsm } from './soft-hsm.ts'

describe.skipIf(!IS_POSSIBLE)('a CA key behind PKCS#11, in SoftHSM', () => {
  const hsm = new SoftHsm()
  let home: string
  beforeAll(() => {
    hsm.prepare('ca')
    hsm.installPackage()
    home = hsm.initWithKey('ec:p256')
  })
  afterAll(() => hsm.remove())

  it('signs everything', () => {
    hsm.expectSignatures(home, { keyAlgorithm: 'id-ecPublicKey', signatureAlgorithm: 'ecdsa-with-SHA256' })
  })

  it('is one that nobody can take out', () => {
    const keys = hsm.privateKeys('ca')
    expect(keys).toHaveLength(1)
    for (const key of keys) expectPrivate(key)
  })

  it('is not used with a wrong PIN', () => {
    const wrong = hsm.xmppki(home, ['client', 'issue', 'mallory', 'trudy'], { pin: '111111' })
    expect(wrong.output).toContain("wrong PIN for the PKCS#11 token 'ca'")
    expect(wrong.output).not.toContain('111111')
    expect(wrong.code).toBe(5)
  })
})
