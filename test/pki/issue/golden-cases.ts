import { readFileSync } from 'node:fs'
import { createCsr } from '../../../src/pki/csr/csr.ts'
import { DerReader, readSingle, TAG } from '../../../src/pki/der/der.ts'
import {
  booleanTrue,
  context,
  element,
  ia5String,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { decodePem, encodePem } from '../../../src/pki/der/pem.ts'
import {
  type Prepared,
  prepareClient,
  prepareIssuingCa,
  prepareOcspResponder,
  prepareRoot,
  prepareServer,
  sign,
} from '../../../src/pki/issue/issue.ts'
import { type Issuer, loadIssuer } from '../../../src/pki/issue/issuer.ts'
import { KEY_TYPES, type KeyType } from '../../../src/pki/keys/algorithms.ts'
import { decodePrivateKey, type KeyPair } from '../../../src/pki/keys/keys.ts'
import { publicKeyInfo } from '../../../src/pki/keys/public-key-info.ts'
import { readSignedStructure, signStructure, softwareKey } from '../../../src/pki/keys/signature.ts'
import { createCrl } from '../../../src/pki/revocation/crl.ts'
import { REVOCATION_REASONS } from '../../../src/pki/revocation/revocation-reason.ts'
import type { RevokedEntry } from '../../../src/pki/revocation/revoked-entry.ts'
import { account, NOW } from '../support.ts'

/** What is signed, by what it is; each made with fixed keys and dates, so that it is the same every time. */
export type GoldenCases = ReadonlyMap<string, () => Promise<Uint8Array>>

const BASE = 'http://pki.example.org'
const PUBLICATION = { crlUrl: `${BASE}/ca.crl`, ocspUrl: `${BASE}/ocsp`, issuerUrl: `${BASE}/ca.crt` }

/** Keys that stay, unlike those of `testKeys`. */
function fixedKeys(type: KeyType): KeyPair {
  const file = new URL(`../fixtures/${type.replace(':', '-')}.pem`, import.meta.url)
  return decodePrivateKey(readFileSync(file), { source: file.pathname })
}

/** The part that is signed. */
function signedPart(der: Uint8Array): Uint8Array {
  return readSignedStructure(readSingle(der, TAG.sequence)).tbs
}

/** As {@link signedPart} with zeros in the place of the serial number, which is random; its length is not. */
function withoutSerial(der: Uint8Array): Uint8Array {
  const tbs = Uint8Array.from(signedPart(der))
  const parts = new DerReader(tbs).read(TAG.sequence).reader()
  parts.next()
  const { content } = parts.read(TAG.integer)
  content.fill(0)
  return tbs
}

async function certificate(prepared: Prepared, issuer: Pick<Issuer, 'key'>): Promise<Uint8Array> {
  return withoutSerial((await sign(prepared, issuer.key)).der)
}

type RootRequest = Partial<Omit<Parameters<typeof prepareRoot>[0], 'keys'>>

function rootRequest(type: KeyType, request: RootRequest = {}) {
  const keys = fixedKeys(type)
  const usual = { commonName: 'Golden Root', organization: 'Example, Inc.', days: 3650, permitDomains: [], now: NOW }
  return { prepared: prepareRoot({ ...usual, ...request, keys }), key: softwareKey(keys.privateKey) }
}

async function root(type: KeyType, request: RootRequest = {}): Promise<Issuer> {
  const { prepared, key } = rootRequest(type, request)
  return loadIssuer((await sign(prepared, key)).pem, key, 'root')
}

/** A root of others: an old name with all kinds of strings, and no key identifier. */
async function oddRoot(): Promise<Issuer> {
  const key = softwareKey(fixedKeys('ec:p256').privateKey)
  const pair = (type: string, value: Uint8Array) => sequence(oid(type), value)
  const string = (tag: number, octets: string) => element(tag, Buffer.from(octets, 'hex'))
  const name = sequence(
    setOf(pair('2.5.4.6', element(TAG.printableString, Buffer.from('DE')))),
    setOf(pair('2.5.4.10', string(TAG.teletexString, '4dfc6c6c6572'))),
    setOf(pair('2.5.4.11', string(TAG.bmpString, '00c40042')), pair('2.5.4.11', utf8String('Zweig'))),
    setOf(pair('2.5.4.8', string(TAG.universalString, '000000c400000042'))),
    setOf(pair('0.9.2342.19200300.100.1.25', ia5String('example'))),
    setOf(pair('2.5.4.45', element(TAG.bitString, Uint8Array.of(4, 0xa0)))),
    // Neither in the order of DER nor in the characters of their type, and taken by OpenSSL all the same.
    element(
      TAG.set,
      pair('2.5.4.7', utf8String('Zürich')),
      pair('2.5.4.7', element(TAG.printableString, Buffer.from('a@b_c'))),
    ),
    setOf(pair(OID.commonName, utf8String('Odd Root'))),
  )
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const ca = sequence(oid(OID.basicConstraints), booleanTrue(), octetString(sequence(booleanTrue())))
  const validity = sequence(time(new Date('2020-01-01T00:00:00Z')), time(new Date('2060-01-01T00:00:00Z')))
  const parts = [integer(1), algorithm, name, validity, name, publicKeyInfo(key.publicKey), context(3, sequence(ca))]
  const der = await signStructure(sequence(context(0, integer(2)), ...parts), key)
  return loadIssuer(encodePem('CERTIFICATE', der), key, 'odd root')
}

/** What an issuer certifies: CAs, users, servers, a responder. */
function issued(issuer: Issuer) {
  const common = (type: KeyType) => ({ publicKey: fixedKeys(type).publicKey, days: 90, now: NOW, issuer })
  type More = { readonly caUrls?: typeof PUBLICATION | Partial<typeof PUBLICATION>; readonly days?: number }
  return {
    client: (type: KeyType, bare: string, more: More = {}) =>
      certificate(prepareClient({ ...common(type), ...more, jid: account(bare) }), issuer),
    server: (type: KeyType, domains: readonly string[], more: More = {}) =>
      certificate(prepareServer({ ...common(type), ...more, domains }), issuer),
    authority: (type: KeyType, names: { commonName: string; organization?: string }, more: More = {}) =>
      certificate(prepareIssuingCa({ ...common(type), ...names, ...more }), issuer),
    responder: (type: KeyType, commonName: string, more: More = {}) =>
      certificate(prepareOcspResponder({ ...common(type), ...more, commonName }), issuer),
  }
}

async function crl(
  issuer: Issuer,
  entries: readonly RevokedEntry[],
  { number = 7n, thisUpdate = NOW, nextUpdate = new Date('2026-04-01T12:00:00Z') } = {},
): Promise<Uint8Array> {
  return signedPart((await createCrl({ issuer, entries, number, thisUpdate, nextUpdate })).der)
}

async function csr(type: KeyType, bare: string, commonName?: string): Promise<Uint8Array> {
  const pem = await createCsr({ keys: fixedKeys(type), jid: account(bare), commonName })
  return signedPart(decodePem(pem, 'CERTIFICATE REQUEST', 'the request'))
}

const LONG = 'x'.repeat(65)
const LONG_DOMAIN = `${'a'.repeat(40)}.${'b'.repeat(40)}.example`

const authorities: GoldenCases = new Map(
  Object.entries({
    ...Object.fromEntries(
      KEY_TYPES.map((type) => [
        `root ${type}`,
        async () => {
          const { prepared, key } = rootRequest(type)
          return certificate(prepared, { key })
        },
      ]),
    ),
    'root without organization': async () => rootOctets({ organization: undefined }),
    'root with names beyond ASCII': async () =>
      rootOctets({ commonName: 'Würzburg 安 😀', organization: 'Müller & Söhne' }),
    'root for some domains': async () => rootOctets({ permitDomains: ['example.org', 'bücher.example'] }),
    'root beyond 2049': async () => rootOctets({ days: 36_500 }),
    'issuing CA': async () => issued(await root('ec:p256')).authority('ec:p384', { commonName: 'Issuing' }),
    'issuing CA with organization and addresses': async () =>
      issued(await root('rsa:3072')).authority(
        'rsa:2048',
        { commonName: 'Issuing Ä', organization: 'Example, Inc.' },
        { caUrls: PUBLICATION },
      ),
    'issuing CA below an odd root': async () => issued(await oddRoot()).authority('ed25519', { commonName: 'Issuing' }),
    'OCSP responder': async () =>
      issued(await root('ec:p384')).responder('ec:p256', 'Golden OCSP', { caUrls: PUBLICATION }),
    'OCSP responder without addresses': async () => issued(await root('ed25519')).responder('ed25519', 'OCSP'),
  }),
)

async function rootOctets(request: RootRequest): Promise<Uint8Array> {
  const { prepared, key } = rootRequest('ec:p256', request)
  return certificate(prepared, { key })
}

const endEntities: GoldenCases = new Map(
  Object.entries({
    ...Object.fromEntries(
      KEY_TYPES.map((type) => [
        `client ${type}`,
        async () => issued(await root('ec:p256')).client(type, 'alice@example.org'),
      ]),
    ),
    ...Object.fromEntries(
      KEY_TYPES.map((type) => [
        `client of a CA with ${type}`,
        async () => issued(await root(type)).client('ec:p256', 'alice@example.org', { caUrls: PUBLICATION }),
      ]),
    ),
    'client beyond ASCII': async () => issued(await root('ec:p256')).client('ec:p256', 'jörg.安@bücher.example'),
    'client without CN': async () => issued(await root('ec:p256')).client('ec:p256', `${LONG}@example.org`),
    'client with a long address': async () =>
      issued(await root('ec:p256')).client('ec:p256', `${'y'.repeat(60)}@${LONG_DOMAIN}.${LONG_DOMAIN}`),
    'client with a dot, constrained': async () =>
      issued(await root('ec:p256', { permitDomains: ['example.org'] })).client('ec:p256', 'a.smith@example.org'),
    'client beyond 2049': async () =>
      issued(await root('ec:p256', { days: 36_500 })).client('ec:p256', 'alice@example.org', { days: 10_000 }),
    'client of an odd root': async () => issued(await oddRoot()).client('ec:p256', 'alice@example.org'),
    ...Object.fromEntries(
      (['crlUrl', 'ocspUrl', 'issuerUrl'] as const).map((name) => [
        `client with ${name} alone`,
        async () =>
          issued(await root('ec:p256')).client('ec:p256', 'alice@example.org', {
            caUrls: { [name]: PUBLICATION[name] },
          }),
      ]),
    ),
    server: async () => issued(await root('ec:p256')).server('ec:p256', ['example.org'], { caUrls: PUBLICATION }),
    'server with RSA': async () => issued(await root('ec:p256')).server('rsa:2048', ['example.org']),
    'server for several domains': async () =>
      issued(await root('ec:p256')).server('ec:p384', ['bücher.example', 'example.org', 'chat.example.org']),
    'server without CN': async () => issued(await root('ec:p256')).server('ed25519', [LONG_DOMAIN]),
  }),
)

const requests: GoldenCases = new Map(
  Object.entries({
    ...Object.fromEntries(KEY_TYPES.map((type) => [`CSR ${type}`, () => csr(type, 'alice@example.org')])),
    'CSR with another CN': () => csr('ec:p256', 'alice@example.org', 'phone of Ålice'),
    'CSR without CN': () => csr('ec:p256', `${LONG}@example.org`),
    'CSR beyond ASCII': () => csr('ec:p256', 'jörg@bücher.example'),
  }),
)

const AFTER_2049 = new Date('2050-01-01T00:00:00Z')

const ENTRIES: readonly RevokedEntry[] = [
  ...REVOCATION_REASONS.map((reason, at) => ({ serial: `0${at}a0`, revokedAt: NOW, reason })),
  { serial: '00', revokedAt: NOW },
  { serial: '7f', revokedAt: new Date('2049-12-31T23:59:59Z') },
  { serial: '80', revokedAt: AFTER_2049 },
  { serial: 'ff'.repeat(20), revokedAt: NOW, reason: 'certificateHold' },
  { serial: `01${'00'.repeat(20)}`, revokedAt: NOW, reason: 'removeFromCRL' },
  { serial: '-01', revokedAt: NOW },
  { serial: '-80', revokedAt: NOW },
  { serial: '-81', revokedAt: NOW },
  { serial: '7b'.repeat(16), revokedAt: new Date('2026-02-28T23:59:59.999Z') },
]

const lists: GoldenCases = new Map(
  Object.entries({
    ...Object.fromEntries(KEY_TYPES.map((type) => [`CRL of ${type}`, async () => crl(await root(type), [])])),
    'CRL with entries of all kinds': async () => crl(await root('ec:p256'), ENTRIES),
    'CRL of an odd root': async () => crl(await oddRoot(), ENTRIES.slice(0, 1)),
    'CRL with the number 0': async () => crl(await root('ec:p256'), [], { number: 0n }),
    'CRL with a number of 128': async () => crl(await root('ec:p256'), [], { number: 128n }),
    'CRL with the largest number': async () => crl(await root('ec:p256'), [], { number: (1n << 159n) - 1n }),
    'CRL beyond 2049': async () =>
      crl(await root('ec:p256'), [], { thisUpdate: AFTER_2049, nextUpdate: new Date('2051-01-01T00:00:00Z') }),
    'CRL with 300 entries': async () =>
      crl(
        await root('ec:p256'),
        Array.from({ length: 300 }, (_, at) => ({
          serial: `5a${at.toString(16).padStart(30, '0')}`,
          revokedAt: new Date(NOW.getTime() - at * 60_000),
          ...(at % 3 === 0 ? {} : { reason: at % 3 === 1 ? ('superseded' as const) : ('keyCompromise' as const) }),
        })),
      ),
  }),
)

/** All of them. */
export const GOLDEN_CASES: GoldenCases = new Map([...authorities, ...endEntities, ...requests, ...lists])
