import { createPublicKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { crossCheck } from '../../../src/pki/issue/cross-check.ts'
import { prepareRoot, sign } from '../../../src/pki/issue/issue.ts'
import { KEY_TYPES, keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { generateKeyPair } from '../../../src/pki/keys/keys.ts'
import { softwareKey } from '../../../src/pki/keys/signature.ts'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'

async function root(type = keyAlgorithm('ec:p256')) {
  const keys = await generateKeyPair(type)
  const request = { commonName: 'Root', keys, days: 10, permitDomains: [], now: new Date() }
  const { der } = await sign(prepareRoot(request), softwareKey(keys.privateKey))
  return { der, facts: readCertificate(der), key: keys.publicKey }
}

const disagreement = expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining('disagree') })

describe('crossCheck', () => {
  it.each(KEY_TYPES.filter((type) => type !== 'rsa:4096' && type !== 'rsa:3072'))(
    'agrees about a root with %s',
    async (type) => {
      const { der, facts, key } = await root(keyAlgorithm(type))
      await expect(crossCheck(der, facts, key)).resolves.toBeUndefined()
    },
  )

  it('notices a signature of another key', async () => {
    const [{ der, facts }, other] = [await root(), await root()]
    await expect(crossCheck(der, facts, other.key)).rejects.toEqual(disagreement)
  })

  it.each([
    ['serial number', { serial: '01' }],
    ['beginning', { notBefore: new Date(0) }],
    ['end', { notAfter: new Date(0) }],
    ['CA flag', { isCa: false }],
  ])('notices another %s', async (_what, change) => {
    const { der, facts, key } = await root()
    await expect(crossCheck(der, { ...facts, ...change }, key)).rejects.toEqual(disagreement)
  })

  it('notices an octet that was changed behind the signature', async () => {
    const { der, facts, key } = await root()
    const changed = Uint8Array.from(der)
    const at = Buffer.from(der).indexOf('Root')
    changed[at] = 0x42
    await expect(
      crossCheck(changed, facts, createPublicKey(key.export({ type: 'spki', format: 'pem' }))),
    ).rejects.toEqual(disagreement)
  })
})
