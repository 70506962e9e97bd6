import { createPublicKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { createCsr } from '../../src/pki/csr/csr.ts'
import { judgeCsr } from '../../src/pki/csr/csr-judge.ts'
import { readCsr } from '../../src/pki/csr/csr-reader.ts'
import { OID } from '../../src/pki/der/oids.ts'
import { decodePem } from '../../src/pki/der/pem.ts'
import { judgeImportedCa } from '../../src/pki/issue/imported-ca.ts'
import { KEY_TYPES } from '../../src/pki/keys/algorithms.ts'
import type { KeyPair } from '../../src/pki/keys/keys.ts'
import { TrustAnchors } from '../../src/trust/anchors.ts'
import { judge } from '../../src/trust/judgement.ts'
import { isRefusal } from '../../src/trust/refusal.ts'
import { SignedCertificate } from '../../src/trust/signed-certificate.ts'
import { verifyCertificate } from '../../src/trust/verify.ts'
import { openWorkspace } from '../../src/workspace/base/workspace.ts'
import { importCa } from '../../src/workspace/ca/import-ca.ts'
import { generator } from '../pki/mutations.ts'
import { account, testKeys } from '../pki/support.ts'
import { signedBy } from '../support/certificates/signed-octets.ts'
import { general, madeRoot, NOON } from '../support/certificates/small-pki.ts'
import { signedPart, spoil } from './reshape.ts'

/** Of each kind; with the logins of `mutated-logins.test.ts` they are more than ten thousand. */
const ROUNDS = Number(process.env['XMPPKI_SOAK_CERTIFICATES'] ?? 2_500)
const IMPORTS = ROUNDS / 10
/** Another one may be given to look further. */
const SEED = Number(process.env['XMPPKI_FUZZ_SEED'] ?? 20_261_128)

const root = madeRoot('root')
const issuing = root.authority('issuing', { permitted: [general.dns('example.org')] })
const alice = root.client('alice', { dnsNames: ['a.example.org'], emails: ['alice@example.org'] })
const bob = issuing.client('bob')
const good = [alice, bob, issuing, root]
const octets = good.map(({ der }) => Buffer.from(der))
const signed = new Set(good.map(({ der }) => signedPart(der).toString('hex')))
const anchors = new TrustAnchors([root.pem])

/** What the keys of this CA vouch for, whatever it is. */
const resigned = (tbs: Uint8Array, key = root.key) => signedBy(key, tbs)

/** Whether it is accepted; `verifyCertificate` has to say the same. */
function isAccepted(der: Uint8Array, sent: readonly Uint8Array[]): boolean {
  const opened = SignedCertificate.open(der)
  const verdict = isRefusal(opened)
    ? opened
    : judge(opened, { anchors, purpose: 'clientAuth', minRsaBits: 2048 }, { now: NOON, sent: () => sent })
  const refusal = isRefusal(verdict) ? verdict.check : null
  const told = refusalTold(der, sent)
  if (told !== undefined) expect(told).toBe(refusal)
  return refusal === null
}

/** Undefined when the certificate cannot be read. */
function refusalTold(der: Uint8Array, sent: readonly Uint8Array[]): string | null | undefined {
  const trust = { anchors: root.pem, anchorSource: 'CA', find: undefined, crls: undefined }
  return orRefused(
    () => verifyCertificate({ ...trust, chain: [der, ...sent], purpose: 'clientAuth', now: NOON }).refusal,
  )
}

/** The result, or undefined for an error that a user can do something about; any other error ends the test. */
function orRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof XmppkiError && ['BAD_INPUT', 'BAD_NAME'].includes(error.code)) return undefined
    throw error
  }
}

/** So many rounds; what fails can be seen again. Answers how often the work said yes. */
async function repeat(
  rounds: number,
  seed: number,
  work: (random: (below: number) => number, round: number) => Promise<boolean> | boolean,
) {
  const random = generator(seed)
  let yes = 0
  for (let round = 0; round < rounds; round += 1) {
    try {
      if (await work(random, round)) yes += 1
    } catch (error) {
      throw new Error(`seed ${seed}, round ${round}`, { cause: error })
    }
  }
  return yes
}

/** A certificate and the CA above it, one of them changed. */
function changedPath(random: (below: number) => number, round: number): { leaf: Uint8Array; sent: Uint8Array } {
  if (random(3) === 0) return { leaf: bob.der, sent: spoil(issuing.der, octets, random) }
  const { der } = round % 2 === 0 ? alice : bob
  return { leaf: spoil(der, octets, random), sent: issuing.der }
}

describe(`${ROUNDS} mutated certificates, seed ${SEED}`, () => {
  it('are good for nothing when they are changed after they were signed', async () => {
    const accepted = await repeat(ROUNDS, SEED, (random, round) => {
      const { leaf, sent } = changedPath(random, round)
      if (!isAccepted(leaf, [sent])) return false
      // Nothing but the frame of what was signed may differ.
      for (const der of [leaf, sent]) expect(signed).toContain(signedPart(der).toString('hex'))
      return true
    })
    expect(accepted).toBeLessThan(ROUNDS / 4)
  })

  it('are read as OpenSSL reads them when their CA has signed what they are', async () => {
    const key = createPublicKey(root.key)
    const accepted = await repeat(ROUNDS, SEED + 1, (random, round) => {
      const tbs = spoil(signedPart((round % 2 ? alice : root).der), octets.map(signedPart), random)
      const der = resigned(tbs)
      if (!isAccepted(der, [issuing.der])) return false
      const certificate = new X509Certificate(der)
      expect(certificate.verify(key)).toBe(true)
      expect(certificate.checkIssued(new X509Certificate(root.der))).toBe(true)
      expect(Date.parse(certificate.validFrom)).toBeLessThanOrEqual(NOON.getTime())
      expect(Date.parse(certificate.validTo)).toBeGreaterThanOrEqual(NOON.getTime())
      expect(certificate.keyUsage ?? [OID.clientAuth]).toContain(OID.clientAuth)
      const { facts } = SignedCertificate.open(der) as SignedCertificate
      for (const name of facts.xmppAddrs) expect(der.includes(name), name).toBe(true)
      return true
    })
    // Mutations that let nothing through would test nothing but the first look.
    expect(accepted).toBeGreaterThan(ROUNDS / 100)
  })
})

describe(`${ROUNDS} mutated CA certificates, seed ${SEED}`, () => {
  let keys: KeyPair
  let folder: string
  const path = (name: string) => join(folder, name)
  beforeAll(async () => {
    keys = await testKeys('ec:p256')
    folder = mkdtempSync(join(tmpdir(), 'xmppki-soak-'))
    writeFileSync(path('ca.key'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Signed by itself before or after the change. */
  function mutatedRoot(random: (below: number) => number): Buffer {
    const { der } = madeRoot('old root', { key: keys.privateKey })
    return random(4) === 0
      ? spoil(der, octets, random)
      : resigned(spoil(signedPart(der), octets, random), keys.privateKey)
  }

  it('are judged, and what may issue is a CA to OpenSSL, too', async () => {
    const accepted = await repeat(ROUNDS, SEED + 2, (random) => {
      const der = mutatedRoot(random)
      const imported = orRefused(() => judgeImportedCa(der, keys, NOON, 'FILE'))
      if (imported === undefined) return false
      const certificate = new X509Certificate(imported.issuer.certificate.pem)
      expect(certificate.ca).toBe(true)
      expect(certificate.verify(keys.publicKey)).toBe(true)
      return true
    })
    expect(accepted).toBeGreaterThan(ROUNDS / 100)
  })

  it(`are imported or leave nothing behind, ${IMPORTS} of them`, async () => {
    await repeat(IMPORTS, SEED + 3, async (random, round) => {
      writeFileSync(path('ca.crt'), mutatedRoot(random))
      const workspace = openWorkspace(path(`home-${round}`), { create: true })
      const error = await importCa(workspace, {
        certificate: path('ca.crt'),
        key: path('ca.key'),
        domain: 'example.org',
        oldPassphrase: () => Promise.reject(new Error('nobody should ask')),
        passphrase: async () => undefined,
        now: NOON,
      }).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      const hasCa = workspace.hasCa
      workspace.close()
      rmSync(path(`home-${round}`), { recursive: true })
      expect(hasCa).toBe(error === undefined)
      if (error !== undefined)
        orRefused(() => {
          throw error
        })
      return hasCa
    })
  })
})

describe(`${ROUNDS} mutated requests, seed ${SEED}`, () => {
  const policy = { domain: 'example.org', name: undefined, acceptRequestedName: true, keyTypes: KEY_TYPES }

  it('become certificates of the domain, or an error for the user', async () => {
    const keys = await testKeys('ec:p256')
    const pem = await createCsr({ keys, jid: account('alice@example.org') })
    const request = Buffer.from(decodePem(pem, 'CERTIFICATE REQUEST', 'seed'))
    const others = [request, signedPart(request), ...octets]
    const approved = await repeat(ROUNDS, SEED + 4, (random) => {
      const isForged = random(4) === 0
      const info = signedPart(request)
      const der = isForged ? spoil(request, others, random) : resigned(spoil(info, others, random), keys.privateKey)
      const jid = orRefused(() => judgeCsr(readCsr(der, 'FILE'), policy, 'FILE').jid)
      if (jid === undefined) return false
      expect(jid.domain).toBe('example.org')
      if (isForged) expect(signedPart(der)).toEqual(info)
      return true
    })
    expect(approved).toBeGreaterThan(ROUNDS / 100)
  })
})
