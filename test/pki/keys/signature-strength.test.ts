import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DerError, readSingle, TAG } from '../../../src/pki/der/der.ts'
import { oid, sequence } from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { decodePem } from '../../../src/pki/der/pem.ts'
import { signatureFault } from '../../../src/pki/keys/signature-strength.ts'
import { readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import { type Folder, openssl, temporaryFolder } from '../support.ts'

let folder: Folder

beforeAll(() => {
  folder = temporaryFolder()
  openssl(folder, 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'rsa.key')
  openssl(folder, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ec.key')
  for (const type of ['ed25519', 'ed448']) openssl(folder, 'genpkey', '-algorithm', type, '-out', `${type}.key`)
})

afterAll(() => folder.remove())

function faultOf(key: string, ...options: string[]) {
  openssl(folder, 'req', '-x509', '-new', '-key', `${key}.key`, '-subj', '/CN=a', ...options, '-out', 'one.crt')
  return signatureFault(readRawCertificate(decodePem(folder.read('one.crt'), 'CERTIFICATE', 'one')).signatureAlgorithm)
}

const PSS = ['-sigopt', 'rsa_padding_mode:pss']

describe('signatures', () => {
  it.each([
    ['rsa', ['-sha224']],
    ['rsa', ['-sha256']],
    ['rsa', ['-sha384']],
    ['rsa', ['-sha512']],
    ['rsa', ['-sha3-256']],
    ['rsa', ['-sha256', ...PSS]],
    ['rsa', ['-sha512', ...PSS]],
    ['rsa', ['-sha256', ...PSS, '-sigopt', 'rsa_mgf1_md:sha1']],
    ['ec', ['-sha224']],
    ['ec', ['-sha256']],
    ['ec', ['-sha384']],
    ['ec', ['-sha512']],
    ['ed25519', []],
    ['ed448', []],
  ])('are accepted: %s %j', (key, options) => {
    expect(faultOf(key, ...options)).toBeUndefined()
  })

  it.each([
    ['rsa', ['-md5'], 'signed with MD5'],
    ['rsa', ['-sha1'], 'signed with SHA-1'],
    ['rsa', ['-ripemd160'], 'signed with RIPEMD-160'],
    ['rsa', ['-sha1', ...PSS], 'signed with SHA-1'],
    ['ec', ['-sha1'], 'signed with SHA-1'],
  ])('are weak: %s %j', (key, options, reason) => {
    expect(faultOf(key, ...options)).toEqual({ check: 'weak-signature', reason })
  })

  it('are weak by default: RSASSA-PSS without parameters (RFC 4055 §3.1)', () => {
    const bare = sequence(oid(OID.rsassaPss))
    expect(signatureFault(readSingle(bare, TAG.sequence))).toEqual({
      check: 'weak-signature',
      reason: 'signed with SHA-1',
    })
  })

  it.each([
    ['rsa', ['-sha512-256'], '1.2.840.113549.1.1.16'],
    ['ec', ['-sha3-256'], '2.16.840.1.101.3.4.3.10'],
  ])('are not accepted by all versions of Node: %s %j', (key, options, id) => {
    expect(faultOf(key, ...options)).toEqual({
      check: 'unsupported-key',
      reason: `signed with the algorithm ${id}, which is not accepted`,
    })
  })

  it('must name an algorithm', () => {
    expect(() => signatureFault(readSingle(sequence(), TAG.sequence))).toThrow(DerError)
  })
})
