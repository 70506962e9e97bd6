import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as der from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import {
  MAX_OCSP_REQUEST,
  matchesIssuer,
  type OcspRequest,
  readOcspRequest,
} from '../../../src/pki/revocation/ocsp-request.ts'
import { generator, mutate } from '../mutations.ts'
import { type Folder, openssl, readOctets, temporaryFolder, testClient, testIssuing, testRoot } from '../support.ts'

let folder: Folder
let root: Issuer
let issuing: Issuer
let serials: { readonly alice: string; readonly bob: string }
beforeAll(async () => {
  folder = temporaryFolder()
  root = await testRoot()
  issuing = await testIssuing(root)
  const [alice, bob] = [await testClient(issuing, 'alice@example.org'), await testClient(issuing, 'bob@example.org')]
  serials = { alice: alice.serial, bob: bob.serial }
  folder.write('issuer.pem', issuing.certificate.pem)
  folder.write('alice.pem', alice.pem)
  folder.write('bob.pem', bob.pem)
  folder.write('alice.key', alice.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
})
afterAll(() => folder.remove())

/** A request by openssl about these certificates. */
function asked(...args: readonly string[]): Buffer {
  openssl(folder, 'ocsp', '-issuer', 'issuer.pem', ...args, '-reqout', 'request.der')
  return readOctets(folder, 'request.der')
}

function read(octets: Uint8Array): OcspRequest {
  const request = readOcspRequest(octets)
  if (request === 'malformedRequest') throw new Error('malformed')
  return request
}

/** A CertID, and a request that is made of parts. */
const certId = (serial: Uint8Array = der.integer(5), algorithm: string = OID.sha1) =>
  der.sequence(
    der.sequence(der.oid(algorithm), der.nullValue()),
    der.octetString(Buffer.alloc(20, 1)),
    der.octetString(Buffer.alloc(20, 2)),
    serial,
  )
const extension = (oid: string, value: Uint8Array, critical = false) =>
  der.sequence(der.oid(oid), ...(critical ? [der.booleanTrue()] : []), der.octetString(value))
const nonce = (length: number) => extension(OID.ocspNonce, der.octetString(Buffer.alloc(length, 7)))
interface Parts {
  readonly before?: readonly Uint8Array[]
  readonly ids?: readonly Uint8Array[]
  /** After the CertID of every request. */
  readonly single?: readonly Uint8Array[]
  readonly extensions?: readonly Uint8Array[]
  readonly after?: readonly Uint8Array[]
}
const build = ({ before = [], ids = [certId()], single = [], extensions = [], after = [] }: Parts) =>
  der.sequence(
    der.sequence(
      ...before,
      der.sequence(...ids.map((id) => der.sequence(id, ...single))),
      ...(extensions.length === 0 ? [] : [der.context(2, der.sequence(...extensions))]),
    ),
    ...after,
  )

describe('readOcspRequest and requests of openssl (RFC 6960 §4.1)', () => {
  it.each(['sha1', 'sha256', 'sha384', 'sha512'])('names the certificate by %s', (hash) => {
    const { ids, nonce: found } = read(asked(`-${hash}`, '-cert', 'alice.pem', '-no_nonce'))
    expect(ids).toMatchObject([{ hash, serial: serials.alice }])
    expect(found).toBeUndefined()
    const [id] = ids
    if (id === undefined) throw new Error('not reached')
    expect(matchesIssuer(id, issuing.certificate.der)).toBe(true)
    expect(matchesIssuer(id, root.certificate.der)).toBe(false)
    // The right name with the key of another, and the other way round.
    const foreign = Buffer.alloc(id.issuerKeyHash.length)
    expect(matchesIssuer({ ...id, issuerKeyHash: foreign }, issuing.certificate.der)).toBe(false)
    expect(matchesIssuer({ ...id, issuerNameHash: foreign }, issuing.certificate.der)).toBe(false)
  })

  it('has several certificates in order, and a nonce', () => {
    const { ids, nonce: found } = read(asked('-cert', 'bob.pem', '-sha256', '-cert', 'alice.pem'))
    expect(ids).toMatchObject([
      { hash: 'sha1', serial: serials.bob },
      { hash: 'sha256', serial: serials.alice },
    ])
    expect(found).toHaveLength(16)
  })

  it('ignores who signed it', () => {
    const { ids } = read(asked('-cert', 'bob.pem', '-signer', 'alice.pem', '-signkey', 'alice.key'))
    expect(ids).toMatchObject([{ serial: serials.bob }])
  })

  it('reads serial numbers as certificates show them', () => {
    const { ids } = read(asked('-serial', '0x00ff80', '-serial', '1'))
    expect(ids.map(({ serial }) => serial)).toEqual(['ff80', '01'])
  })
})

describe('readOcspRequest and what openssl does not write', () => {
  it.each<[string, Parts]>([
    ['the least', {}],
    ['a version that is the default', { before: [der.context(0, der.integer(0))] }],
    ['a name of the requestor', { before: [der.context(1, der.contextPrimitive(2, Buffer.from('a.example')))] }],
    ['a nonce of one octet', { extensions: [nonce(1)] }],
    ['a nonce of 128 octets', { extensions: [nonce(128)] }],
    ['an unknown extension', { extensions: [extension('1.2.3', der.nullValue())] }],
    [
      'an unknown extension of one certificate',
      { single: [der.context(0, der.sequence(extension('1.2.3', der.nullValue())))] },
    ],
    ['a hundred certificates', { ids: Array.from({ length: 100 }, (_, n) => certId(der.integer(n))) }],
  ])('takes %s', (_, parts) => {
    expect(read(build(parts)).ids).toHaveLength(parts.ids?.length ?? 1)
  })

  it('cannot match a hash function that it does not know, but reads the rest', () => {
    const [id] = read(build({ ids: [certId(der.integer(5), '1.2.840.113549.2.5')] })).ids
    if (id === undefined) throw new Error('not reached')
    expect(id).toMatchObject({ hash: undefined, serial: '05' })
    expect(matchesIssuer(id, issuing.certificate.der)).toBe(false)
  })

  it.each<[string, Parts]>([
    ['another version', { before: [der.context(0, der.integer(1))] }],
    ['no certificate', { ids: [] }],
    ['101 certificates', { ids: Array.from({ length: 101 }, (_, n) => certId(der.integer(n))) }],
    ['an empty nonce (RFC 9654 §2.1)', { extensions: [nonce(0)] }],
    ['a nonce of 129 octets', { extensions: [nonce(129)] }],
    ['two nonces', { extensions: [nonce(8), nonce(8)] }],
    ['a nonce that is not an OCTET STRING', { extensions: [extension(OID.ocspNonce, Buffer.alloc(16, 7))] }],
    ['an unknown critical extension', { extensions: [extension('1.2.3', der.nullValue(), true)] }],
    [
      'an unknown critical extension of one certificate',
      { single: [der.context(0, der.sequence(extension('1.2.3', der.nullValue(), true)))] },
    ],
    ['a serial number that is none', { ids: [certId(der.octetString(Buffer.of(5)))] }],
    ['a serial number in BER', { ids: [certId(der.element(2, Buffer.of(0, 5)))] }],
    ['something behind it', { after: [der.nullValue()] }],
  ])('refuses %s', (_, parts) => {
    expect(readOcspRequest(build(parts))).toBe('malformedRequest')
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['a certificate', () => issuing.certificate.der],
    ['text', Buffer.from('hello')],
    ['more than there may be', () => build({ after: [der.context(0, Buffer.alloc(MAX_OCSP_REQUEST))] })],
  ])('refuses %s', (_, octets) => {
    expect(readOcspRequest(typeof octets === 'function' ? octets() : octets)).toBe('malformedRequest')
  })

  it('gives a request or an error for 2,000 mutated ones', () => {
    const seeds = [
      asked('-cert', 'alice.pem', '-sha256', '-cert', 'bob.pem'),
      asked('-cert', 'bob.pem', '-signer', 'alice.pem', '-signkey', 'alice.key'),
    ]
    const random = generator(11)
    let readable = 0
    for (let round = 0; round < 2000; round += 1) {
      const result = readOcspRequest(mutate(seeds[round % 2] ?? Buffer.alloc(0), seeds, random))
      if (result === 'malformedRequest') continue
      readable += 1
      expect(result.ids.length).toBeGreaterThan(0)
      for (const id of result.ids) matchesIssuer(id, issuing.certificate.der)
    }
    expect(readable).toBeGreaterThan(100)
    expect(readable).toBeLessThan(1900)
  })
})
