import { describe, expect, it } from 'vitest'
import { readClientFinal, readClientFirst } from '../../../src/xmpp/sasl/scram-message.ts'

const bytes = (text: string) => Buffer.from(text)

describe('client-first-message (RFC 5802 §7)', () => {
  const read = (text: string) => readClientFirst(bytes(text))

  it.each([
    { header: 'n,,', binding: 'n', authzid: undefined },
    { header: 'y,,', binding: 'y', authzid: undefined },
    { header: 'p=tls-exporter,,', binding: { type: 'tls-exporter' }, authzid: undefined },
    { header: 'n,a=bob@localhost,', binding: 'n', authzid: 'bob@localhost' },
    { header: 'p=x.1,a=b=2Cc=3Dd,', binding: { type: 'x.1' }, authzid: 'b,c=d' },
  ])('has its parts, and the octets that are signed: $header', ({ header, binding, authzid }) => {
    const parts = { gs2Header: header, bare: 'n=user,r=nonce', username: 'user', nonce: 'nonce' }
    expect(read(`${header}n=user,r=nonce`)).toEqual({ ...parts, binding, authzid })
  })

  it.each([
    ['a=3Db=2Cc', 'a=b,c'],
    // Unescaped once and no more.
    ['=3D2C', '=2C'],
    ['ä😀', 'ä😀'],
    ['n=3Duser', 'n=user'],
  ])('has the name %s for %s (§5.1)', (sent, username) => {
    expect(read(`n,,n=${sent},r=x`)?.username).toBe(username)
  })

  it.each([
    ['an empty name', 'n,,n=,r=x'],
    ['an equals sign that escapes nothing', 'n,,n=a=b,r=x'],
    ['an escape in lower case', 'n,,n=a=2cb,r=x'],
    ['NUL in the name', 'n,,n=a\0b,r=x'],
    ['no nonce', 'n,,n=a'],
    ['an empty nonce', 'n,,n=a,r='],
    ['a space in the nonce', 'n,,n=a,r=x y'],
    ['a nonce without end', `n,,n=a,r=${'x'.repeat(257)}`],
    ['another flag', 'z,,n=a,r=x'],
    ['a binding without type', 'p=,,n=a,r=x'],
    ['a binding of an impossible type', 'p=a_b,,n=a,r=x'],
    ['an empty authzid', 'n,a=,n=a,r=x'],
    ['a mandatory extension', 'n,,m=x,n=a,r=x'],
    ['the parts in another order', 'n,,r=x,n=a'],
    ['an extension without value', 'n,,n=a,r=x,t='],
    ['something before it', 'xn,,n=a,r=x'],
    ['a line behind it', 'n,,n=a,r=x\n'],
    ['nothing', ''],
  ])('cannot have %s', (_, text) => {
    expect(read(text)).toBeUndefined()
  })

  it('takes the longest nonce, and extensions that nobody knows as part of what is signed (§5.1)', () => {
    const nonce = 'x'.repeat(256)
    expect(read(`n,,n=a,r=${nonce},t=1,u=ä`)).toMatchObject({ nonce, bare: `n=a,r=${nonce},t=1,u=ä` })
  })

  it('is UTF-8', () => {
    expect(readClientFirst(Buffer.concat([bytes('n,,n='), Buffer.of(0xe4), bytes(',r=x')]))).toBeUndefined()
  })
})

describe('client-final-message (RFC 5802 §7)', () => {
  it('has its parts, and the octets that are signed', () => {
    expect(readClientFinal(bytes('c=biws,r=nonce,t=1,p=cHJvb2Y='))).toEqual({
      binding: bytes('n,,'),
      nonce: 'nonce',
      withoutProof: 'c=biws,r=nonce,t=1',
      proof: bytes('proof'),
    })
  })

  it.each([
    ['no proof', 'c=biws,r=x'],
    ['an empty proof', 'c=biws,r=x,p='],
    ['something behind the proof', 'c=biws,r=x,p=cHA=,t=1'],
    ['a proof that is not base64', 'c=biws,r=x,p=cH='],
    ['base64url', 'c=biws,r=x,p=-_-_'],
    ['a binding that is not base64', 'c=biw,r=x,p=cHA='],
    ['no binding', 'r=x,p=cHA='],
    ['no nonce', 'c=biws,p=cHA='],
  ])('cannot have %s', (_, text) => {
    expect(readClientFinal(bytes(text))).toBeUndefined()
  })
})
