import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from '../../../interop/program.ts'
import { expectPrivate, IS_POSSIBLE, MODULE, openssl, SoftHsm, succeed } from '../../../interop/readers/soft-hsm.ts'

const KEYS = [
  { type: 'ec:p256', keyAlgorithm: 'id-ecPublicKey', signatureAlgorithm: 'ecdsa-with-SHA256' },
  { type: 'ec:p384', keyAlgorithm: 'id-ecPublicKey', signatureAlgorithm: 'ecdsa-with-SHA384' },
  { type: 'rsa:2048', keyAlgorithm: 'rsaEncryption', signatureAlgorithm: 'sha256WithRSAEncryption' },
]

describe.skipIf(!IS_POSSIBLE)('CA keys behind PKCS#11, in SoftHSM', () => {
  const hsm = new SoftHsm()
  const homes = new Map<string, string>()
  beforeAll(() => {
    hsm.prepare('ca', 'spare')
    const missing = hsm.init('none', '--pkcs11-token', 'ca')
    expect(missing.output).toContain('error: PKCS#11 needs the package node-webcrypto-p11\nhint:  install it beside')
    expect(missing.code).toBe(4)
    hsm.installPackage()
    for (const { type } of KEYS) homes.set(type, hsm.initWithKey(type))
  })
  afterAll(() => hsm.remove())

  it.each(KEYS)('makes a key of type $type and signs everything with it', ({ type, ...names }) => {
    hsm.expectSignatures(homes.get(type) ?? '', names)
  })

  it('leaves a key that nobody can take out', () => {
    const keys = hsm.privateKeys('ca')
    expect(keys).toHaveLength(3)
    for (const key of keys) expectPrivate(key)
  })

  it.each([
    ['EC:prime256v1', 'old ec', '0a', 'old ec'],
    ['rsa:2048', 'old rsa', '0b', '0B'],
  ])('takes a %s key pair that another program has made', (type, label, id, name) => {
    succeed(hsm.pkcs11Tool('spare', '--keypairgen', '--key-type', type, '--label', label, '--id', id, '--usage-sign'))
    const home = `used-${id}`
    succeed(hsm.init(home, '--pkcs11-token', 'spare', '--pkcs11-use', name))
    expect(JSON.parse(readFileSync(hsm.path(home, 'ca', 'root.pkcs11.json'), 'utf8')).key).toEqual({ label, id })
    succeed(hsm.xmppki(home, ['server', 'issue', 'example.org']))
    const certificate = hsm.path(home, 'server', 'example.org', 'server.crt')
    openssl('verify', '-x509_strict', '-CAfile', hsm.path(home, 'ca', 'root.crt'), certificate)
  })

  it('issues many at once, one after the other in the token', () => {
    const names = Array.from({ length: 20 }, (_, number) => `user${number}`)
    succeed(hsm.xmppki('ec-p256', ['client', 'issue', ...names]))
    const certificates = names.map((name) => hsm.clientCertificate('ec-p256', name))
    openssl('verify', '-CAfile', hsm.path('ec-p256', 'ca', 'root.crt'), ...certificates)
  })

  it('signs an issuing CA, which then needs no token', () => {
    const issuing = ['--issuing-passphrase-file', '-']
    succeed(hsm.xmppki('rsa-2048', ['ca', 'issuing', 'init', ...issuing], { input: 'issuing secret' }))
    const file = hsm.path('rsa-2048', 'ca', 'root.pkcs11.json')
    renameSync(file, hsm.path('away.json'))
    succeed(hsm.xmppki('rsa-2048', ['client', 'issue', 'bob'], { pin: 'issuing secret' }))
    renameSync(hsm.path('away.json'), file)
    const root = hsm.path('rsa-2048', 'ca', 'root.crt')
    const above = ['-untrusted', hsm.path('rsa-2048', 'ca', 'issuing', 'issuing.crt')]
    openssl('verify', '-x509_strict', '-CAfile', root, ...above, hsm.clientCertificate('rsa-2048', 'bob'))
  })

  describe('refuses', () => {
    it.each([
      ['a module that is missing', '/nowhere.so', 4, 'the PKCS#11 module /nowhere.so is missing'],
      ['what is not a module', '/bin/true', 2, '/bin/true cannot be loaded as a PKCS#11 module'],
    ])('%s', (_, module, code, message) => {
      const result = hsm.xmppki('new', ['ca', 'init', '--pkcs11', module])
      expect(result.output).toContain(message)
      expect(result.output).toMatch(/^hint: /m)
      expect(result.code).toBe(code)
    })

    it.each([
      ['a token that is missing', ['--pkcs11-token', 'other'], 4, `${MODULE} has no token 'other'`],
      ['to choose between tokens', [], 2, `${MODULE} has several tokens: `],
      ['a key that is missing', ['--pkcs11-token', 'ca', '--pkcs11-use', 'x'], 4, "has no RSA or EC private key 'x'"],
      [
        'a label that is taken',
        ['--pkcs11-token', 'ca', '--pkcs11-label', 'root ec:p256'],
        3,
        "already has a key 'root ec:p256'",
      ],
      [
        'Ed25519',
        ['--pkcs11-token', 'ca', '--key-type', 'ed25519'],
        2,
        'Ed25519 keys cannot be used in a PKCS#11 token',
      ],
      ['to leave out the PIN', ['--pkcs11-token', 'ca', '--no-passphrase'], 2, 'no-passphrase'],
    ])('%s', (_, args, code, message) => {
      const result = hsm.init('new', ...args)
      expect(result.output).toContain(message)
      expect(result.output).toMatch(/^hint: /m)
      expect(result.code).toBe(code)
    })

    it('to go on when the module cannot start', () => {
      const variables = { SOFTHSM2_CONF: '/nowhere', XMPPKI_HOME: hsm.path('new') }
      const args = [hsm.binary, 'ca', 'init', '--pkcs11', MODULE]
      const result = program(process.execPath, args, { env: variables })
      expect(result.output).toContain(`the PKCS#11 module ${MODULE} refused: CKR_`)
      expect(result.code).toBe(7)
    })

    it('to sign with the key of another CA', () => {
      const file = hsm.path('ec-p384', 'ca', 'root.pkcs11.json')
      writeFileSync(file, readFileSync(hsm.path('ec-p256', 'ca', 'root.pkcs11.json')))
      const result = hsm.xmppki('ec-p384', ['client', 'issue', 'trudy'])
      expect(result.output).toContain("does not belong to the CA's private key")
      expect(result.code).toBe(2)
    })
  })
})
