import { createPrivateKey, sign, X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { readSingle, TAG } from '../../src/pki/der/der.ts'
import { context, contextPrimitive, element, integer, sequence } from '../../src/pki/der/der-writer.ts'
import { encodePem } from '../../src/pki/der/pem.ts'
import { readCrlFile } from '../../src/pki/revocation/crl-file.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { readRawCertificate } from '../../src/pki/x509/certificate-der.ts'
import { isUsable, type LoadedList, loadList } from '../../src/trust/loaded-list.ts'
import { RevocationLists } from '../../src/trust/revocation-lists.ts'
import { distort, generator, mutate } from '../pki/mutations.ts'
import { OpensslCa } from '../support/certificates/certificates.ts'
import { authoritiesOf } from '../support/certificates/crls.ts'
import { entry, extension, nameOf, oddCrl, serialOf } from '../support/certificates/odd-crl.ts'
import { ECDSA_SHA256 } from '../support/certificates/signed-octets.ts'

const ROUNDS = 5_000
/** Another one may be given to look further. */
const SEED = Number(process.env['XMPPKI_FUZZ_SEED'] ?? 20_261_128)
const NOW = new Date('2026-01-01T00:00:00Z')

const openssl = new OpensslCa('Test CA')
const ca = openssl.credentials
const key = createPrivateKey(ca.key)
const bob = openssl.issue({ subject: '/CN=bob', extensions: ['crlDistributionPoints=URI:http://x/1.crl'] })
afterAll(() => openssl.remove())

const authorities = authoritiesOf([ca.cert])
const { raw: bobDer } = new X509Certificate(bob.cert)
const facts = readCertificate(bobDer)
const certificate = { serial: facts.serial, facts, raw: readRawCertificate(bobDer) }

const about = extension('2.5.29.29', sequence(context(4, nameOf(ca))), true)
const reason = extension('2.5.29.21', element(TAG.enumerated, Uint8Array.of(1)))
const uri = contextPrimitive(6, Buffer.from('http://x/1.crl'))
const point = extension(
  '2.5.29.28',
  sequence(context(0, context(0, uri)), contextPrimitive(4, Uint8Array.of(0xff))),
  true,
)
const entries = [
  entry(Uint8Array.of(1), { extensions: [about, reason] }),
  entry(serialOf(bob)),
  entry(Uint8Array.of(3)),
]
const seeds = [
  oddCrl(ca, { entries }),
  oddCrl(ca, { entries, extensions: [point, extension('2.5.29.20', integer(9))] }),
  oddCrl(ca, { entries, extensions: [extension('2.5.29.20', integer(9)), extension('2.5.29.27', integer(3), true)] }),
]
const files = [...seeds, ...seeds.map((der) => Buffer.from(encodePem('X509 CRL', der)))]
const tbsOf = (der: Uint8Array) => Buffer.from(readSingle(der, TAG.sequence).reader().next().raw)
const signed = new Set(seeds.map((der) => tbsOf(der).toString('hex')))

function ask(list: LoadedList): string {
  const lists = new RevocationLists([list], { exempt: new Set(), authorities })
  return authorities.map((issuer) => lists.statusOf(certificate, issuer, NOW).kind).join()
}

/** What can be used of a file; whatever else than an error for the user ends the test. */
async function readMutated(input: Buffer, round: number): Promise<LoadedList[]> {
  const read = await readCrlFile(input, 'FILE').catch((error: unknown) => {
    if (error instanceof XmppkiError && error.code === 'BAD_INPUT') return { ders: [] }
    throw new Error(`round ${round}: ${input.toString('base64')}`, { cause: error })
  })
  const lists = await Promise.all(read.ders.map((der) => loadList(der, 'FILE', authorities)))
  return lists.filter(isUsable)
}

describe(`${ROUNDS} mutated CRLs, seed ${SEED}`, () => {
  it('count for nothing when they are changed after they were signed', { timeout: 120_000 }, async () => {
    const random = generator(SEED)
    let counted = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const seed = files[round % files.length] as Buffer
      const input = random(3) === 0 ? distort(seed, files, random) : mutate(seed, files, random)
      for (const list of await readMutated(input, round)) {
        if (list.signer === undefined) expect(ask(list), `round ${round}`).toBe('unknown')
        else expect(signed, `round ${round}`).toContain(tbsOf(list.der).toString('hex'))
        counted += 1
      }
    }
    expect(counted).toBeGreaterThan(10)
  })

  it('break nothing when their CA has signed what they are', { timeout: 120_000 }, async () => {
    const random = generator(SEED + 1)
    const bodies = seeds.map(tbsOf)
    const answers = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round += 1) {
      const seed = bodies[round % bodies.length] as Buffer
      const tbs = random(3) === 0 ? distort(seed, bodies, random) : mutate(seed, bodies, random)
      const bits = element(TAG.bitString, Uint8Array.of(0), sign('sha256', tbs, key))
      const list = await loadList(sequence(tbs, ECDSA_SHA256, bits), 'FILE', authorities)
      const answer = isUsable(list) ? ask(list) : 'unusable'
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
    for (const answer of ['revoked', 'unknown', 'unusable']) expect(answers.get(answer), answer).toBeGreaterThan(10)
  })
})
