import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodePem } from '../../src/pki/der/pem.ts'
import { DEFAULT_MIN_RSA_BITS } from '../../src/pki/keys/key-strength.ts'
import { readRawCertificate } from '../../src/pki/x509/certificate-der.ts'
import { checkStrength } from '../../src/trust/strength.ts'
import { type Folder, openssl, temporaryFolder } from '../pki/support.ts'

const rsa = (bits: number) => ['RSA', `rsa_keygen_bits:${bits}`]
const curve = (name: string) => ['EC', `ec_paramgen_curve:${name}`]

let folder: Folder

beforeAll(() => {
  folder = temporaryFolder()
  newKey('ca', rsa(2048))
  openssl(folder, 'req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=CA', '-days', '30', '-out', 'ca.crt')
})

afterAll(() => folder.remove())

function newKey(name: string, [algorithm = '', ...options]: readonly string[]): void {
  const more = options.flatMap((option) => ['-pkeyopt', option])
  openssl(folder, 'genpkey', '-algorithm', algorithm, ...more, '-out', `${name}.key`)
}

/** A client certificate with such a key, signed by the CA with this hash. */
function issue(key: readonly string[], hash = 'sha256') {
  newKey('client', key)
  openssl(folder, 'req', '-new', '-key', 'client.key', '-subj', '/CN=alice', '-out', 'client.csr')
  const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', '7', `-${hash}`]
  openssl(folder, 'x509', '-req', '-in', 'client.csr', ...by, '-days', '30', '-out', 'client.crt')
  return checkClient()
}

function checkClient(options: { minRsaBits?: number; isAnchor?: boolean; file?: string } = {}) {
  const { minRsaBits = DEFAULT_MIN_RSA_BITS, isAnchor = false, file = 'client.crt' } = options
  return checkStrength(readRawCertificate(decodePem(folder.read(file), 'CERTIFICATE', file)), { minRsaBits, isAnchor })
}

function pem(name: string): Buffer {
  return readFileSync(join(folder.path, name))
}

/** Whether a server of Node lets the client in, one that would rather say nothing than the wrong thing. */
async function isLetIn(version: SecureVersion): Promise<boolean> {
  newKey('server', curve('P-256'))
  const by = ['-key', 'server.key', '-subj', '/CN=server', '-days', '30', '-out', 'server.crt']
  openssl(folder, 'req', '-x509', '-new', ...by)
  const versions = { minVersion: version, maxVersion: version }
  const files = { key: pem('server.key'), cert: pem('server.crt'), ca: pem('ca.crt') }
  const server = createServer({ ...files, ...versions, requestCert: true, rejectUnauthorized: false })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = new Promise<boolean>((resolve) => {
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => undefined)
      resolve(socket.authorized)
      socket.destroy()
    })
    server.on('tlsClientError', () => resolve(false))
  })
  const { port } = server.address() as AddressInfo
  const own = { key: pem('client.key'), cert: pem('client.crt'), ciphers: 'DEFAULT@SECLEVEL=0' }
  const client = connect({ port, host: '127.0.0.1', ...own, ...versions, rejectUnauthorized: false })
  client.on('error', () => undefined)
  const result = await accepted
  client.destroy()
  server.close()
  return result
}

describe('what is accepted is what TLS lets in', () => {
  it.each<[key: string[], hash: string, check: string | undefined]>([
    [rsa(2048), 'sha256', undefined],
    [['RSA-PSS', 'rsa_keygen_bits:2048'], 'sha256', undefined],
    [curve('P-256'), 'sha224', undefined],
    [curve('P-256'), 'sha256', undefined],
    [curve('P-384'), 'sha512', undefined],
    [curve('P-521'), 'sha3-256', undefined],
    [['ED25519'], 'sha256', undefined],
    [['ED448'], 'sha256', undefined],
    [curve('P-256'), 'sha1', 'weak-signature'],
    [curve('P-256'), 'md5', 'weak-signature'],
    [curve('P-256'), 'sha512-256', 'unsupported-key'],
    [[...curve('P-256'), 'ec_param_enc:explicit'], 'sha256', 'unsupported-key'],
    [curve('P-224'), 'sha256', 'unsupported-key'],
    [curve('secp256k1'), 'sha256', 'unsupported-key'],
  ])('%j signed with %s', async (key, hash, check) => {
    expect(issue(key, hash)?.check).toBe(check)
    expect(await isLetIn('TLSv1.2')).toBe(check === undefined)
    expect(await isLetIn('TLSv1.3')).toBe(check === undefined)
  })

  it('brainpool curves, which only newer versions take, in TLS 1.3 alone (RFC 8734), are not', async () => {
    expect(issue(curve('brainpoolP256r1'))?.check).toBe('unsupported-key')
    expect(await isLetIn('TLSv1.2')).toBe(false)
  })

  // Node 20 lets these in, its OpenSSL asks for 80 bits of security; that of Node 24 for 112.
  it.each<[key: string[], hash: string, check: string]>([
    [rsa(1024), 'sha256', 'weak-key'],
    [curve('P-256'), 'ripemd160', 'weak-signature'],
  ])('but 112 bits of security there must be: %j signed with %s', (key, hash, check) => {
    expect(issue(key, hash)?.check).toBe(check)
  })
})

describe('what an operator decides', () => {
  it('may let shorter RSA keys in', () => {
    expect(issue(rsa(1024))).toEqual({ check: 'weak-key', reason: 'an RSA key of 1024 bits, fewer than 2048' })
    expect(checkClient({ minRsaBits: 1024 })).toBeUndefined()
  })

  it('makes a CA an anchor, whoever has signed it, but not whatever its key (RFC 5280 §6.1)', () => {
    newKey('old', rsa(1024))
    for (const [key, file] of [
      ['ca', 'sha1.crt'],
      ['old', 'old.crt'],
    ] as const) {
      openssl(folder, 'req', '-x509', '-new', '-sha1', '-key', `${key}.key`, '-subj', '/CN=CA', '-out', file)
    }
    expect(checkClient({ file: 'sha1.crt' })?.check).toBe('weak-signature')
    expect(checkClient({ file: 'sha1.crt', isAnchor: true })).toBeUndefined()
    expect(checkClient({ file: 'old.crt', isAnchor: true })?.check).toBe('weak-key')
  })

  it('does not include what cannot be read', () => {
    issue(rsa(2048))
    const raw = readRawCertificate(decodePem(folder.read('client.crt'), 'CERTIFICATE', 'client.crt'))
    // A name in the place of a key.
    const broken = { ...raw, publicKeyInfo: raw.subject }
    expect(checkStrength(broken, { minRsaBits: 2048, isAnchor: false })?.check).toBe('malformed')
  })
})
