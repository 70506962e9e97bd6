import { describe, expect, it } from 'vitest'
import { octetString, sequence } from '../../../src/pki/der/der-writer.ts'
import { decodePem, decodePemAll, encodePem } from '../../../src/pki/der/pem.ts'

const DER = sequence(octetString(new Uint8Array(60).fill(7)))
const PEM = encodePem('CERTIFICATE', DER)
const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64')
const block = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`

describe('PEM (RFC 7468)', () => {
  it('writes lines of 64 columns and a final newline', () => {
    expect(PEM).toMatch(/^-----BEGIN CERTIFICATE-----\n[\w+/]{64}\n[\w+/=]+\n-----END CERTIFICATE-----\n$/)
  })

  it.each([
    ['as written', PEM],
    ['with CRLF', PEM.replaceAll('\n', '\r\n')],
    ['with text around it', `Bag Attributes\n  friendlyName: x\n${PEM}the end`],
    ['on one long line', block(base64(DER))],
    ['after a block of another kind', encodePem('EC PARAMETERS', DER) + PEM],
    ['after a block that never ends', `-----BEGIN CERTIFICATE REQUEST-----\n${PEM}`],
  ])('reads a block %s', (_, text) => {
    expect(Buffer.from(decodePem(text, 'CERTIFICATE', 'x.pem')).equals(DER)).toBe(true)
  })

  it.each([
    ['nothing', '', /^x\.pem holds no CERTIFICATE in PEM form$/],
    ['another kind', encodePem('X509 CRL', DER), /holds no CERTIFICATE/],
    ['no end', '-----BEGIN CERTIFICATE-----\nMAA=\n', /holds no CERTIFICATE/],
    ['two blocks', PEM + PEM, /holds 2 blocks CERTIFICATE where one is expected/],
    ['an empty block', block(''), /not valid base64/],
    ['letters that are not base64', block(`${base64(DER)}*`), /not valid base64/],
    ['missing padding', block('MAA'), /not valid base64/],
    ['RFC 1421 headers', block(`Proc-Type: 4,ENCRYPTED\n\n${base64(DER)}`), /not valid base64/],
    ['trailing data after the DER', block(base64(Buffer.concat([DER, Buffer.of(0)]))), /damaged: trailing data/],
    ['truncated DER', block(base64(DER.subarray(0, 50))), /damaged: length exceeds/],
    ['DER of something else', block(base64(octetString(DER))), /damaged/],
  ])('refuses %s', (_, text, message) => {
    expect(() => decodePem(text, 'CERTIFICATE', 'x.pem')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringMatching(message) }),
    )
  })

  it('reads bundles in order', () => {
    const second = sequence()
    const all = decodePemAll(PEM + encodePem('CERTIFICATE', second), 'CERTIFICATE', 'x.pem')
    expect(all.map((der) => der.length)).toEqual([DER.length, second.length])
  })
})
