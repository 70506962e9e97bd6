import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ProgramResult, program } from '../program.ts'
import { hasPkcs11Package, PKCS11_PACKAGE } from './pkcs11-package.mjs'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MODULE = '/usr/lib/softhsm/libsofthsm2.so'
const PIN = '246810'

// A machine without a compiler cannot have the package; CI has to.
const isPossible = hasPkcs11Package() || process.env['CI'] === 'true'

describe.skipIf(!isPossible)('a CA key behind PKCS#11, in SoftHSM', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xmppki-pkcs11-'))
  const packages = join(folder, 'lib', 'node_modules')
  const path = (...parts: string[]) => join(folder, ...parts)
  const env = { SOFTHSM2_CONF: path('softhsm2.conf') }

  /** Links a package as a sibling, as `npm install -g` would put it there. */
  function install(name: string, from: string): void {
    mkdirSync(dirname(join(packages, name)), { recursive: true })
    symlinkSync(from, join(packages, name))
  }

  function xmppki(
    home: string,
    args: readonly string[],
    options: { pin?: string; input?: string } = {},
  ): ProgramResult {
    const { pin = PIN, ...rest } = options
    const variables = { ...env, XMPPKI_HOME: path(home), NO_COLOR: '1', XMPPKI_CA_PASSPHRASE: pin }
    const command = [join(packages, 'xmppki', 'bin', 'xmppki.cjs'), ...args]
    return program(process.execPath, command, { ...rest, env: variables, cwd: folder })
  }

  function succeed(result: ProgramResult): string {
    expect(result.code, result.output).toBe(0)
    return result.stdout
  }

  const homeOf = (type: string) => type.replace(':', '-')
  const init = (home: string, ...args: string[]) => xmppki(home, ['ca', 'init', '--pkcs11', MODULE, ...args])
  const clientCertificate = (home: string, name: string) => path(home, 'clients', 'localhost', name, `${name}.crt`)
  const softhsm = (...args: string[]) => succeed(program('softhsm2-util', args, { env }))
  const openssl = (...args: string[]) => succeed(program('openssl', args))
  const pkcs11Tool = (token: string, ...args: string[]) =>
    program('pkcs11-tool', ['--module', MODULE, '--token-label', token, '--login', '--pin', PIN, ...args], { env })

  beforeAll(() => {
    // What begins with a dot is being written: another test builds the package anew.
    const built = readdirSync(join(ROOT, 'dist')).filter((name) => !name.startsWith('.'))
    for (const part of ['bin', 'package.json', 'oclif.manifest.json', ...built.map((name) => join('dist', name))]) {
      cpSync(join(ROOT, part), join(packages, 'xmppki', part), { recursive: true })
    }
    install('@photostructure/sqlite', join(ROOT, 'node_modules', '@photostructure', 'sqlite'))
    mkdirSync(path('tokens'))
    writeFileSync(env.SOFTHSM2_CONF, `directories.tokendir = ${path('tokens')}\nlog.level = ERROR\n`)
    for (const label of ['ca', 'spare']) {
      softhsm('--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '13579')
    }
    const missing = init('none', '--pkcs11-token', 'ca')
    expect(missing.output).toContain('error: PKCS#11 needs the package node-webcrypto-p11\nhint:  install it beside')
    expect(missing.code).toBe(4)
    install('node-webcrypto-p11', PKCS11_PACKAGE)
    for (const type of ['ec:p256', 'ec:p384', 'rsa:2048']) {
      succeed(init(homeOf(type), '--pkcs11-token', 'ca', '--pkcs11-label', `root ${type}`, '--key-type', type))
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each([
    ['ec:p256', 'id-ecPublicKey', 'ecdsa-with-SHA256'],
    ['ec:p384', 'id-ecPublicKey', 'ecdsa-with-SHA384'],
    ['rsa:2048', 'rsaEncryption', 'sha256WithRSAEncryption'],
  ])('makes a key of type %s and signs everything with it', (type, keyAlgorithm, signatureAlgorithm) => {
    const home = homeOf(type)
    const ca = (name: string) => path(home, 'ca', name)
    expect(readdirSync(path(home, 'ca')).sort()).toEqual(['root.crt', 'root.pkcs11.json'])
    expect(statSync(ca('root.pkcs11.json')).mode & 0o777).toBe(0o600)
    expect(readFileSync(ca('root.pkcs11.json'), 'utf8')).not.toContain(PIN)
    const text = openssl('x509', '-in', ca('root.crt'), '-noout', '-text')
    expect(text).toContain(`Public Key Algorithm: ${keyAlgorithm}`)
    expect(text).toContain(`Signature Algorithm: ${signatureAlgorithm}`)

    succeed(xmppki(home, ['client', 'issue', 'alice']))
    const alice = clientCertificate(home, 'alice')
    openssl('verify', '-x509_strict', '-CAfile', ca('root.crt'), alice)
    succeed(xmppki(home, ['client', 'revoke', 'alice']))
    succeed(xmppki(home, ['ca', 'crl']))
    const crl = program('openssl', ['crl', '-in', ca('root.crl'), '-CAfile', ca('root.crt'), '-noout', '-verify'])
    expect(crl.output).toContain('verify OK')
    const revoked = ['verify', '-crl_check', '-CRLfile', ca('root.crl'), '-CAfile', ca('root.crt'), alice]
    expect(program('openssl', revoked).output).toContain('certificate revoked')
  })

  it('leaves a key that nobody can take out', () => {
    const listed = succeed(pkcs11Tool('ca', '--list-objects', '--type', 'privkey'))
    const keys = listed.split(/^Private Key Object/m).slice(1)
    expect(keys).toHaveLength(3)
    for (const key of keys) {
      expect(key).toMatch(/Usage: +sign\n/)
      expect(key).toMatch(/Access: +sensitive, always sensitive, never extractable, local\n/)
    }
  })

  it.each([
    ['EC:prime256v1', 'old ec', '0a', 'old ec'],
    ['rsa:2048', 'old rsa', '0b', '0B'],
  ])('takes a %s key pair that another program has made', (type, label, id, name) => {
    succeed(pkcs11Tool('spare', '--keypairgen', '--key-type', type, '--label', label, '--id', id, '--usage-sign'))
    const home = `used-${id}`
    succeed(init(home, '--pkcs11-token', 'spare', '--pkcs11-use', name))
    expect(JSON.parse(readFileSync(path(home, 'ca', 'root.pkcs11.json'), 'utf8')).key).toEqual({ label, id })
    succeed(xmppki(home, ['server', 'issue', 'example.org']))
    const certificate = path(home, 'server', 'example.org', 'server.crt')
    openssl('verify', '-x509_strict', '-CAfile', path(home, 'ca', 'root.crt'), certificate)
  })

  it('issues many at once, one after the other in the token', () => {
    const names = Array.from({ length: 20 }, (_, number) => `user${number}`)
    succeed(xmppki('ec-p256', ['client', 'issue', ...names]))
    const certificates = names.map((name) => clientCertificate('ec-p256', name))
    openssl('verify', '-CAfile', path('ec-p256', 'ca', 'root.crt'), ...certificates)
  })

  it('signs an issuing CA, which then needs no token', () => {
    const issuing = ['--issuing-passphrase-file', '-']
    succeed(xmppki('rsa-2048', ['ca', 'issuing', 'init', ...issuing], { input: 'issuing secret' }))
    const file = path('rsa-2048', 'ca', 'root.pkcs11.json')
    renameSync(file, path('away.json'))
    succeed(xmppki('rsa-2048', ['client', 'issue', 'bob'], { pin: 'issuing secret' }))
    renameSync(path('away.json'), file)
    const root = path('rsa-2048', 'ca', 'root.crt')
    const above = ['-untrusted', path('rsa-2048', 'ca', 'issuing', 'issuing.crt')]
    openssl('verify', '-x509_strict', '-CAfile', root, ...above, clientCertificate('rsa-2048', 'bob'))
  })

  describe('refuses', () => {
    it('a wrong PIN, naming the token', () => {
      const wrong = xmppki('ec-p256', ['client', 'issue', 'mallory', 'trudy'], { pin: '111111' })
      expect(wrong.output).toContain("wrong PIN for the PKCS#11 token 'ca'")
      expect(wrong.output).not.toContain('111111')
      expect(wrong.code).toBe(5)
    })

    it.each([
      ['a module that is missing', '/nowhere.so', 4, 'the PKCS#11 module /nowhere.so is missing'],
      ['what is not a module', '/bin/true', 2, '/bin/true cannot be loaded as a PKCS#11 module'],
    ])('%s', (_, module, code, message) => {
      const result = xmppki('new', ['ca', 'init', '--pkcs11', module])
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
      const result = init('new', ...args)
      expect(result.output).toContain(message)
      expect(result.output).toMatch(/^hint: /m)
      expect(result.code).toBe(code)
    })

    it('to go on when the module cannot start', () => {
      const variables = { SOFTHSM2_CONF: '/nowhere', XMPPKI_HOME: path('new') }
      const args = [join(packages, 'xmppki', 'bin', 'xmppki.cjs'), 'ca', 'init', '--pkcs11', MODULE]
      const result = program(process.execPath, args, { env: variables })
      expect(result.output).toContain(`the PKCS#11 module ${MODULE} refused: CKR_`)
      expect(result.code).toBe(7)
    })

    it('to sign with the key of another CA', () => {
      const file = path('ec-p384', 'ca', 'root.pkcs11.json')
      writeFileSync(file, readFileSync(path('ec-p256', 'ca', 'root.pkcs11.json')))
      const result = xmppki('ec-p384', ['client', 'issue', 'trudy'])
      expect(result.output).toContain("does not belong to the CA's private key")
      expect(result.code).toBe(2)
    })
  })
})
