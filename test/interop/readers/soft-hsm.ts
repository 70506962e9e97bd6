import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { type ProgramResult, program } from '../program.ts'
import { hasPkcs11Package, PKCS11_PACKAGE } from './pkcs11-package.mjs'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PIN = '246810'

export const MODULE = '/usr/lib/softhsm/libsofthsm2.so'

/** A machine without a compiler cannot have the package; CI has to. */
export const IS_POSSIBLE = hasPkcs11Package() || process.env['CI'] === 'true'

/** A key as openssl calls it, and signatures with it. */
interface KeyNames {
  readonly keyAlgorithm: string
  readonly signatureAlgorithm: string
}

export function succeed(result: ProgramResult): string {
  expect(result.code, result.output).toBe(0)
  return result.stdout
}

export const openssl = (...args: string[]) => succeed(program('openssl', args))

/** SoftHSM with tokens of its own, and xmppki installed beside the package that talks to it. */
export class SoftHsm {
  readonly #folder = mkdtempSync(join(tmpdir(), 'xmppki-pkcs11-'))
  readonly #packages = join(this.#folder, 'lib', 'node_modules')
  readonly #env = { SOFTHSM2_CONF: this.path('softhsm2.conf') }
  readonly binary = join(this.#packages, 'xmppki', 'bin', 'xmppki.cjs')

  /** Installs everything but that package, and makes tokens. */
  prepare(...labels: string[]): void {
    // What begins with a dot is being written: another test builds the package anew.
    const built = readdirSync(join(ROOT, 'dist')).filter((name) => !name.startsWith('.'))
    for (const part of ['bin', 'package.json', 'oclif.manifest.json', ...built.map((name) => join('dist', name))]) {
      cpSync(join(ROOT, part), join(this.#packages, 'xmppki', part), { recursive: true })
    }
    this.#install('@photostructure/sqlite', join(ROOT, 'node_modules', '@photostructure', 'sqlite'))
    mkdirSync(this.path('tokens'))
    writeFileSync(this.#env.SOFTHSM2_CONF, `directories.tokendir = ${this.path('tokens')}\nlog.level = ERROR\n`)
    for (const label of labels) {
      const args = ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '13579']
      succeed(program('softhsm2-util', args, { env: this.#env }))
    }
  }

  installPackage(): void {
    this.#install('node-webcrypto-p11', PKCS11_PACKAGE)
  }

  path(...parts: string[]): string {
    return join(this.#folder, ...parts)
  }

  xmppki(home: string, args: readonly string[], options: { pin?: string; input?: string } = {}): ProgramResult {
    const { pin = PIN, ...rest } = options
    const variables = { ...this.#env, XMPPKI_HOME: this.path(home), NO_COLOR: '1', XMPPKI_CA_PASSPHRASE: pin }
    return program(process.execPath, [this.binary, ...args], { ...rest, env: variables, cwd: this.#folder })
  }

  init(home: string, ...args: string[]): ProgramResult {
    return this.xmppki(home, ['ca', 'init', '--pkcs11', MODULE, ...args])
  }

  /** The workspace of the CA whose key of this type is in the token `ca`. @returns its name */
  initWithKey(type: string): string {
    const home = type.replace(':', '-')
    succeed(this.init(home, '--pkcs11-token', 'ca', '--pkcs11-label', `root ${type}`, '--key-type', type))
    return home
  }

  clientCertificate(home: string, name: string): string {
    return this.path(home, 'clients', 'localhost', name, `${name}.crt`)
  }

  pkcs11Tool(token: string, ...args: string[]): ProgramResult {
    const options = ['--module', MODULE, '--token-label', token, '--login', '--pin', PIN]
    return program('pkcs11-tool', [...options, ...args], { env: this.#env })
  }

  /** The private keys of a token as pkcs11-tool describes them. */
  privateKeys(token: string): string[] {
    const listed = succeed(this.pkcs11Tool(token, '--list-objects', '--type', 'privkey'))
    return listed.split(/^Private Key Object/m).slice(1)
  }

  /** Certificates and CRLs of the CA of {@link initWithKey}, as openssl sees them. */
  expectSignatures(home: string, { keyAlgorithm, signatureAlgorithm }: KeyNames): void {
    const ca = (name: string) => this.path(home, 'ca', name)
    expect(readdirSync(this.path(home, 'ca')).sort()).toEqual(['root.crt', 'root.pkcs11.json'])
    expect(statSync(ca('root.pkcs11.json')).mode & 0o777).toBe(0o600)
    expect(readFileSync(ca('root.pkcs11.json'), 'utf8')).not.toContain(PIN)
    const text = openssl('x509', '-in', ca('root.crt'), '-noout', '-text')
    expect(text).toContain(`Public Key Algorithm: ${keyAlgorithm}`)
    expect(text).toContain(`Signature Algorithm: ${signatureAlgorithm}`)

    succeed(this.xmppki(home, ['client', 'issue', 'alice']))
    const alice = this.clientCertificate(home, 'alice')
    openssl('verify', '-x509_strict', '-CAfile', ca('root.crt'), alice)
    succeed(this.xmppki(home, ['client', 'revoke', 'alice']))
    succeed(this.xmppki(home, ['ca', 'crl']))
    const crl = program('openssl', ['crl', '-in', ca('root.crl'), '-CAfile', ca('root.crt'), '-noout', '-verify'])
    expect(crl.output).toContain('verify OK')
    const revoked = ['verify', '-crl_check', '-CRLfile', ca('root.crl'), '-CAfile', ca('root.crt'), alice]
    expect(program('openssl', revoked).output).toContain('certificate revoked')
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Links a package as a sibling, as `npm install -g` would put it there. */
  #install(name: string, from: string): void {
    mkdirSync(dirname(join(this.#packages, name)), { recursive: true })
    symlinkSync(from, join(this.#packages, name))
  }
}

/** It signs, and nobody can take it out. */
export function expectPrivate(key: string): void {
  expect(key).toMatch(/Usage: +sign\n/)
  expect(key).toMatch(/Access: +sensitive, always sensitive, never extractable, local\n/)
}
