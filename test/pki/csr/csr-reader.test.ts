import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { createCsr } from '../../../src/pki/csr/csr.ts'
import { judgeCsr } from '../../../src/pki/csr/csr-judge.ts'
import { readCsr } from '../../../src/pki/csr/csr-reader.ts'
import { decodePem } from '../../../src/pki/der/pem.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import { account, type Folder, openssl, temporaryFolder, testKeys } from '../support.ts'

let folder: Folder
let pem: string
let der: Uint8Array
beforeAll(async () => {
  folder = temporaryFolder()
  pem = await createCsr({ keys: await testKeys('ec:p256'), jid: account('alice@example.org') })
  der = decodePem(pem, 'CERTIFICATE REQUEST', 'made')
})
afterAll(() => folder.remove())

describe('readCsr', () => {
  it.each<[string, () => Uint8Array]>([
    ['PEM', () => Buffer.from(pem)],
    [
      'PEM of Java, with its own label (RFC 7468 §7)',
      () => Buffer.from(pem.replaceAll('CERTIFICATE', 'NEW CERTIFICATE')),
    ],
    ['PEM with CRLF and text around it', () => Buffer.from(`text\r\n${pem.replaceAll('\n', '\r\n')}text`)],
    ['DER', () => der],
  ])('reads %s', (_form, bytes) => {
    expect(readCsr(bytes(), 'a.csr')).toMatchObject({
      subject: 'CN=alice',
      commonNames: ['alice'],
      names: { xmppAddrs: ['alice@example.org'], emails: ['alice@example.org'] },
      signature: 'valid',
    })
  })

  it.each<[string, () => Uint8Array, RegExp]>([
    ['nothing', () => Buffer.from(''), /a\.csr holds no CERTIFICATE REQUEST in PEM form/],
    ['text', () => Buffer.from('hello'), /holds no CERTIFICATE REQUEST/],
    ['two requests', () => Buffer.from(pem + pem), /holds 2 blocks/],
    ['octets after the request', () => Buffer.concat([der, Buffer.from([0])]), /not a certificate request: trailing/],
    ['a cut request', () => der.subarray(0, -1), /not a certificate request/],
    ['a certificate', () => Buffer.from('-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'), /holds no/],
  ])('refuses %s', (_case, bytes, message) => {
    expect(() => readCsr(bytes(), 'a.csr')).toThrow(message)
  })

  it('reads a request of openssl without attributes', () => {
    openssl(
      folder,
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'o.key',
      '-subj',
      '/CN=bob',
      '-out',
      'o.csr',
    )
    expect(readCsr(Buffer.from(folder.read('o.csr')), 'o.csr')).toMatchObject({
      commonNames: ['bob'],
      signature: 'valid',
    })
  })
})

/** A small generator with a fixed seed (Park and Miller), so that a failure can be seen again. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

/** One to three octets changed, and one time in eight the end cut off. */
function mutate(original: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = Buffer.from(original)
  for (let changes = 1 + random(3); changes > 0; changes -= 1) bytes[random(bytes.length)] = random(256)
  return random(8) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes
}

describe('damaged requests', () => {
  const policy = { domain: 'example.org', name: undefined, acceptRequestedName: true, keyTypes: KEY_TYPES }

  /** Whether it was refused; around the base64 of PEM there is room for changes that mean nothing. */
  function isRefused(input: Uint8Array): boolean {
    try {
      expect(judgeCsr(readCsr(input, 'x'), policy, 'x').jid.toString()).toBe('alice@example.org')
      return false
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      expect(error.exitCode).toBe(2)
      return true
    }
  }

  it.each<[string, () => Uint8Array, number, number]>([
    ['DER', () => der, 4_000, 3_900],
    ['PEM', () => Buffer.from(pem), 1_000, 900],
  ])('in %s are an XmppkiError each, or are as if undamaged', (_form, original, rounds, least) => {
    const random = generator(7)
    const inputs = Array.from({ length: rounds }, () => mutate(original(), random))
    expect(inputs.filter(isRefused).length).toBeGreaterThan(least)
  })
})
