import { describe, expect, it } from 'vitest'
import { TrustAnchors } from '../../src/trust/anchors.ts'
import { DIGITAL_SIGNATURE, madeRoot } from '../support/certificates/small-pki.ts'

const root = madeRoot()

describe('TrustAnchors', () => {
  it('takes bundles, a self-signed version 1 root, and intermediates', () => {
    const old = madeRoot('old', { version: 1 })
    const anchors = new TrustAnchors([old.pem + root.pem, root.authority('below').pem])
    expect(anchors.authorities.map(({ facts }) => facts.subject)).toEqual(['CN=old', 'CN=root', 'CN=below'])
    expect(anchors.pems).toHaveLength(3)
  })

  it('takes one that is there twice as one', () => {
    expect(new TrustAnchors([root.pem, root.pem + root.pem]).pems).toEqual([root.pem])
  })

  it('finds them by name, several of one', () => {
    const twin = madeRoot()
    const anchors = new TrustAnchors([root.pem, twin.pem, madeRoot('other').pem])
    const [{ name } = { name: '' }] = anchors.authorities
    expect(anchors.named(name).map(({ facts }) => facts.fingerprint)).toEqual(
      [root, twin].map(({ opened }) => opened.fingerprint),
    )
    expect(anchors.named('')).toEqual([])
  })

  it.each([
    ['no PEM', 'hello', 'cas.pem holds no CERTIFICATE in PEM form'],
    ['a client certificate', root.client().pem, "cas.pem holds a certificate that is not a CA's (CN=alice)"],
    [
      'a CA without keyCertSign',
      madeRoot('x', { keyUsage: [DIGITAL_SIGNATURE] }).pem,
      "cas.pem holds a certificate that is not a CA's (CN=x)",
    ],
  ])('refuses %s as an anchor', (_, pem, message) => {
    expect(() => new TrustAnchors([pem], 'cas.pem')).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })
})
