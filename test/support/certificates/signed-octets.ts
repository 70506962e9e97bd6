import { createPublicKey, type KeyObject, sign, X509Certificate } from 'node:crypto'

export function derElement(content: Buffer, tag: number): Buffer {
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

/** The elements that stand one after another in DER, whole and their contents. */
export function derElements(der: Buffer): { whole: Buffer; content: Buffer }[] {
  const elements = []
  for (let at = 0; at < der.length; ) {
    const first = der.readUInt8(at + 1)
    const size = first < 0x80 ? 0 : first & 0x7f
    const length = size === 0 ? first : der.readUIntBE(at + 2, size)
    const start = at + 2 + size
    elements.push({ whole: der.subarray(at, start + length), content: der.subarray(start, start + length) })
    at = start + length
  }
  return elements
}

function pem(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`
}

export function splitCertificate(pem: string): { tbs: Buffer; algorithm: Buffer; signature: Buffer } {
  const [certificate] = derElements(new X509Certificate(pem).raw)
  const [tbs, algorithm, signature] = derElements(certificate!.content)
  return { tbs: tbs!.whole, algorithm: algorithm!.whole, signature: signature!.content.subarray(1) }
}

export function joinCertificate(tbs: Buffer, algorithm: Buffer, signature: Buffer): string {
  const bits = derElement(Buffer.concat([Buffer.from([0]), signature]), 0x03)
  return pem('CERTIFICATE', derElement(Buffer.concat([tbs, algorithm, bits]), 0x30))
}

const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex')

/**
 * A PKCS#10 request (RFC 2986 section 4) in PEM that proves a key and asks for nothing: openssl is told the name when it signs,
 * which saves a process for each certificate.
 */
export function namelessRequest(key: KeyObject): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const [version, name, attributes] = ['020100', '3000', 'a000'].map((hex) => Buffer.from(hex, 'hex'))
  const info = derElement(Buffer.concat([version!, name!, publicKey, attributes!]), 0x30)
  const signature = derElement(Buffer.concat([Buffer.from([0]), sign('sha256', info, key)]), 0x03)
  return pem('CERTIFICATE REQUEST', derElement(Buffer.concat([info, ECDSA_WITH_SHA256, signature]), 0x30))
}
