import { createServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { acceptableAuthorities } from '../../src/probe/certificate-request.ts'
import { visitForAuthorities } from '../../src/probe/visit.ts'
import { OpensslCa } from '../support/certificates/certificates.ts'

let ca: OpensslCa
beforeAll(() => {
  ca = new OpensslCa('First')
})
afterAll(() => ca.remove())

/** What a real server with these settings is seen to name. */
async function named(options: {
  requestCert: boolean
  cas: string[]
  minVersion?: 'TLSv1.3'
}): Promise<string[] | undefined> {
  const { key, cert } = ca.issue({ subject: '/CN=localhost', extendedKeyUsage: 'serverAuth' })
  const { requestCert, cas, minVersion = 'TLSv1.2' } = options
  const server = createServer({ key, cert, requestCert, rejectUnauthorized: false, ca: cas, minVersion })
  server.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()).resume())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const names = await visitForAuthorities({ host: '127.0.0.1', port, mode: 'tls', domain: 'localhost' })
  server.close()
  return names?.map((der) => Buffer.from(der).toString('latin1'))
}

describe('visitForAuthorities', () => {
  it('sees the names that the server sends', async () => {
    const second = new OpensslCa('Second')
    const names = await named({ requestCert: true, cas: [ca.credentials.cert, second.credentials.cert] })
    second.remove()
    expect(names).toEqual([expect.stringContaining('First'), expect.stringContaining('Second')])
  })

  it.each([
    { name: 'the server does not ask', options: { requestCert: false, cas: [] } },
    { name: 'the server insists on TLS 1.3', options: { requestCert: true, cas: [], minVersion: 'TLSv1.3' as const } },
  ])('sees nothing when $name', async ({ options }) => {
    expect(await named(options)).toBeUndefined()
  })
})

/** A handshake message in records of so many octets (RFC 5246 §6.2.1). */
function records(message: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    parts.push(Buffer.from([22, 3, 3, part.length >> 8, part.length & 0xff]), part)
  }
  return Buffer.concat(parts)
}

// certificate_types, supported_signature_algorithms, certificate_authorities: two names of three and two octets.
const REQUEST = Buffer.from('0d000011' + '0140' + '00020403' + '0009' + '0003aabbcc' + '0002ddee', 'hex')

describe('acceptableAuthorities', () => {
  it.each([1, 3, 7, 100])('reads a message that is split into records of %d octets', (size) => {
    const hex = acceptableAuthorities(records(REQUEST, size))?.map((name) => Buffer.from(name).toString('hex'))
    expect(hex).toEqual(['aabbcc', 'ddee'])
  })

  it('never reads beyond what arrived', () => {
    for (let length = 0; length < REQUEST.length; length += 1) {
      expect(acceptableAuthorities(records(REQUEST.subarray(0, length), 100))).toBeUndefined()
      const lying = Buffer.from(REQUEST)
      lying[length] = 0xff
      expect(() => acceptableAuthorities(records(lying, 100))).not.toThrow()
    }
  })

  it('takes an empty list for any CA', () => {
    expect(acceptableAuthorities(records(Buffer.from('0d0000080140000204030000', 'hex'), 100))).toEqual([])
  })
})
