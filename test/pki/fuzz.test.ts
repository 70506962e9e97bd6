import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { judgeCsr } from '../../src/pki/csr/csr-judge.ts'
import { readCsr } from '../../src/pki/csr/csr-reader.ts'
import { readSingle, TAG } from '../../src/pki/der/der.ts'
import {
  context,
  contextPrimitive,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
} from '../../src/pki/der/der-writer.ts'
import { OID } from '../../src/pki/der/oids.ts'
import { decodePem, encodePem, pemBlocks } from '../../src/pki/der/pem.ts'
import { inspect } from '../../src/pki/inspect/inspect.ts'
import { judgeImportedCa } from '../../src/pki/issue/imported-ca.ts'
import { prepareClient, sign } from '../../src/pki/issue/issue.ts'
import type { Issuer } from '../../src/pki/issue/issuer.ts'
import { KEY_TYPES } from '../../src/pki/keys/algorithms.ts'
import { privateKeyText, withoutDes } from '../../src/pki/keys/key-import.ts'
import { decodePrivateKey, type KeyPair } from '../../src/pki/keys/keys.ts'
import { lintCertificate } from '../../src/pki/lint/lint.ts'
import { readPkcs12 } from '../../src/pki/pkcs12/pkcs12-reader.ts'
import { createCrl } from '../../src/pki/revocation/crl.ts'
import { readCrl } from '../../src/pki/revocation/crl-facts.ts'
import { readCertificates } from '../../src/pki/x509/certificate-file.ts'
import { verifyCertificate } from '../../src/trust/verify.ts'
import { cpuTime } from '../support/processes/cpu-time.ts'
import { distort, generator, mutate, toBer } from './mutations.ts'
import { account, type Folder, NOW, openssl, temporaryFolder, testClient, testKeys, testRoot } from './support.ts'

const ROUNDS = 10_000
/** Another one may be given to look further. */
const SEED = Number(process.env['XMPPKI_FUZZ_SEED'] ?? 20_261_123)
/** Only what hangs takes so long, on a busy machine too. */
const HANG_MS = 5_000

type Target = (input: Buffer) => unknown

interface Seed {
  readonly octets: Buffer
  /** Names of the targets that read such a thing; every other input goes to another one as well. */
  readonly target: string
  /** Of its PEM. */
  readonly label: string
}

let folder: Folder
let root: Issuer
let rootKeys: KeyPair
let targets: Readonly<Record<string, Target>>
let seeds: readonly Seed[]

beforeAll(async () => {
  folder = temporaryFolder()
  rootKeys = await testKeys('ec:p256')
  root = await testRoot({ keys: rootKeys })
  targets = makeTargets()
  seeds = await makeSeeds()
})
afterAll(() => folder.remove())

/** Signs whatever is approved, as `client sign` does. */
async function signRequest(input: Buffer): Promise<void> {
  const csr = readCsr(input, 'FILE')
  const policy = { domain: 'example.org', name: undefined, acceptRequestedName: true, keyTypes: KEY_TYPES }
  const { jid } = judgeCsr(csr, policy, 'FILE')
  const prepared = prepareClient({
    jid: account(jid.toString()),
    publicKey: csr.publicKey,
    days: 30,
    now: NOW,
    issuer: root,
  })
  await sign(prepared, root.key)
}

function importKey(input: Buffer): KeyPair {
  const text = privateKeyText(input)
  return decodePrivateKey(withoutDes(text, 'secret', 'FILE'), { passphrase: 'secret', source: 'FILE' })
}

function crlOf(input: Buffer) {
  return readCrl(input[0] === TAG.sequence ? input : input.toString('latin1'), 'FILE')
}

function verify(input: Buffer): void {
  const chain = readCertificates(input, 'FILE')
  const anchors = { anchors: root.certificate.pem, anchorSource: 'CA' }
  verifyCertificate({ ...anchors, chain, purpose: undefined, now: NOW, find: undefined, crls: undefined })
}

function makeTargets(): Record<string, Target> {
  return {
    inspect: (input) => inspect(input, { source: 'FILE', password: undefined }),
    open: (input) => inspect(input, { source: 'FILE', password: 'secret' }),
    sign: signRequest,
    key: importKey,
    crl: crlOf,
    pkcs12: (input) => readPkcs12(input, { source: 'FILE', password: 'secret' }),
    verify,
    lint: (input) => readCertificates(input, 'FILE').map((der) => lintCertificate(der, { source: 'FILE' })),
    ca: (input) => judgeImportedCa(input, rootKeys, NOW, 'FILE'),
  }
}

/** PEM, and the DER of its first block. */
function both(target: string, pem: string): Seed[] {
  const [block] = pemBlocks(pem)
  const { label = '', text = '' } = block ?? {}
  return [pem, decodePem(text, label, 'seed')].map((octets) => ({ target, label, octets: Buffer.from(octets) }))
}

/** Made by openssl with few rounds of hashing, so that what is measured is the reading. */
function opensslSeeds(client: { pem: string; keys: KeyPair }): Seed[] {
  const key = folder.write('client.key', client.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const certificate = folder.write('client.crt', client.pem + root.certificate.pem)
  const make = (...args: string[]) => {
    openssl(folder, ...args, '-out', 'made')
    return folder.read('made')
  }
  const secret = ['-passout', 'pass:secret']
  const wrap = (...args: string[]) => both('key', make('pkcs8', '-topk8', '-in', key, ...secret, ...args))
  const bundle = (...args: string[]) => {
    openssl(folder, 'pkcs12', '-export', '-inkey', key, '-in', certificate, ...secret, ...args, '-out', 'made.p12')
    return openssl(folder, 'base64', '-A', '-in', 'made.p12')
  }
  const request = make('req', '-new', '-key', key, '-subj', '/CN=alice/O=Example', '-addext', 'subjectAltName=DNS:a')
  const modern = Buffer.from(bundle('-iter', '2'), 'base64')
  const legacy = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']
  const compat = Buffer.from(bundle('-iter', '2', ...legacy), 'base64')
  return [
    ...both('sign', request),
    ...wrap('-iter', '2'),
    ...wrap('-iter', '2', '-v2', 'des3', '-v2prf', 'hmacWithSHA1'),
    ...wrap('-scrypt', '-scrypt_N', '16', '-scrypt_r', '1', '-scrypt_p', '1'),
    ...both('key', make('pkey', '-in', key, '-traditional')),
    ...['-des3', '-aes256'].map((cipher) => {
      return { target: 'key', label: '', octets: Buffer.from(make('ec', '-in', key, cipher, ...secret)) }
    }),
    ...[modern, compat, toBer(readSingle(modern, TAG.sequence))].map((octets) => {
      return { target: 'pkcs12', label: 'PKCS12', octets }
    }),
  ]
}

async function makeSeeds(): Promise<Seed[]> {
  const client = await testClient(root, 'alice@example.org')
  const entries = [{ serial: 'abcd', revokedAt: NOW, reason: 'keyCompromise' as const }]
  const nextUpdate = new Date(NOW.getTime() + 86_400_000)
  const crl = await createCrl({ issuer: root, entries, number: 3n, thisUpdate: NOW, nextUpdate })
  return [
    ...both('verify', client.pem + root.certificate.pem),
    ...both('lint', client.pem),
    ...both('ca', root.certificate.pem),
    ...both('crl', crl.pem),
    ...both('key', String(client.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))),
    ...opensslSeeds(client),
  ]
}

/** Changed DER in the frame of PEM: the frame is whole, and the inside is not. */
function reframe(octets: Buffer, { label }: Seed): Buffer {
  return octets[0] === TAG.sequence ? Buffer.from(encodePem(label, octets)) : octets
}

type Random = (below: number) => number

function pick<T>(list: readonly T[], random: Random): T {
  return list[random(list.length)] as T
}

function nextInput(round: number, all: readonly Buffer[], random: Random): { target: string; input: Buffer } {
  const seed = seeds[round % seeds.length] as Seed
  const changed = pick([mutate, mutate, distort], random)(seed.octets, all, random)
  return { target: seed.target, input: random(2) === 0 ? changed : reframe(changed, seed) }
}

/** Whether the target could read it; what is neither a result nor an error for the user ends the test. */
async function isReadable(name: string, input: Buffer, round: number, isAgain = false): Promise<boolean> {
  const start = cpuTime()
  try {
    await targets[name]?.(input)
    return true
  } catch (error) {
    if (error instanceof XmppkiError && error.code !== 'INTERNAL') return false
    const shown = input.length > 20_000 ? `${input.length} octets` : input.toString('base64')
    throw new Error(`seed ${SEED}, round ${round}, ${name}: ${shown}`, { cause: error })
  } finally {
    const took = cpuTime() - start
    if (took > HANG_MS && isAgain) expect.fail(`seed ${SEED}, round ${round}, ${name}: ${Math.round(took)} ms`)
    // What hangs hangs again.
    if (took > HANG_MS) await isReadable(name, input, round, true)
  }
}

describe(`${ROUNDS} mutated inputs through everything that reads files`, () => {
  it('reads every seed as it is', async () => {
    for (const { target, octets } of seeds) expect(await isReadable(target, octets, -1), target).toBe(true)
  })

  it('gives a result or an XmppkiError each', { timeout: 120_000 }, async () => {
    const random = generator(SEED)
    const all = seeds.map(({ octets }) => octets)
    const read = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round += 1) {
      const { target, input } = nextInput(round, all, random)
      for (const name of [target, pick(Object.keys(targets), random)]) {
        if (await isReadable(name, input, round)) read.set(name, (read.get(name) ?? 0) + 1)
      }
    }
    // Mutations that let nothing through would test nothing but the first look.
    for (const name of Object.keys(targets)) expect(read.get(name), name).toBeGreaterThan(10)
  })
})

describe('a file that asks for 2^31 - 1 rounds of hashing', () => {
  const rounds = integer(2 ** 31 - 1)
  const salt = octetString(Buffer.alloc(8))
  const tripleDes = sequence(oid(OID.pbeWithSha1And3KeyTripleDesCbc), sequence(salt, rounds))
  const pbkdf2 = sequence(oid(OID.pbkdf2), sequence(salt, rounds))
  const pbes2 = sequence(oid(OID.pbes2), sequence(pbkdf2, sequence(oid(OID.aes256Cbc), octetString(Buffer.alloc(16)))))
  const bundle = (contents: Uint8Array, ...mac: readonly Uint8Array[]) => {
    const data = sequence(oid(OID.data), context(0, octetString(sequence(contents))))
    return sequence(integer(3), data, ...mac)
  }
  const encrypted = (algorithm: Uint8Array) => {
    const info = sequence(oid(OID.data), algorithm, contextPrimitive(0, Buffer.alloc(64)))
    return sequence(oid(OID.encryptedData), context(0, sequence(integer(0), info)))
  }
  const digest = sequence(sequence(oid(OID.sha256), nullValue()), octetString(Buffer.alloc(32)))

  it.each([
    ['PKCS #8, PBES2', sequence(pbes2, octetString(Buffer.alloc(64)))],
    ['PKCS #8, 3DES', sequence(tripleDes, octetString(Buffer.alloc(64)))],
    ['PKCS #12, its MAC', bundle(encrypted(pbes2), sequence(digest, salt, rounds))],
    ['PKCS #12, PBES2', bundle(encrypted(pbes2))],
    ['PKCS #12, 3DES', bundle(encrypted(tripleDes))],
  ])('is refused before the first round: %s', async (_what, der) => {
    await expect(inspect(der, { source: 'FILE', password: 'secret' })).rejects.toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: 'FILE asks for 2147483647 rounds of hashing, which are not tried',
      }),
    )
  })
})
