import { describe, expect, it } from 'vitest'
import { DerError } from '../../../src/pki/der/der.ts'
import { context, contextPrimitive, element, oid, sequence, utf8String } from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { readNameConstraints } from '../../../src/pki/x509/name-constraints.ts'
import { dnsName, rfc822Name } from '../../support/certificates/general-names.ts'

const PERMITTED = 0
const EXCLUDED = 1

function constraints(...lists: Uint8Array[]): Uint8Array {
  return sequence(...lists)
}

function subtrees(list: number, ...bases: Uint8Array[]): Uint8Array {
  return context(list, ...bases.map((base) => sequence(base)))
}

const uri = (text: string) => contextPrimitive(6, Buffer.from(text))
const address = (octets: string) => contextPrimitive(7, Buffer.from(octets, 'hex'))
const xmppAddr = context(0, oid(OID.xmppAddr), context(0, utf8String('example.org')))
const directory = (name: Uint8Array) => context(4, name)
const none = { dnsNames: [], emails: [], uris: [], addresses: [], directoryNames: [], otherForms: [] }

describe('name constraints (RFC 5280 §4.2.1.10)', () => {
  it('are sorted by kinds of names', () => {
    const value = constraints(
      subtrees(PERMITTED, dnsName('Example.ORG'), rfc822Name('Alice@Example.ORG'), uri('.example.org')),
      subtrees(EXCLUDED, address('0a000000ff000000'), directory(sequence()), xmppAddr, dnsName('')),
    )
    expect(readNameConstraints(value)).toEqual({
      permitted: { ...none, dnsNames: ['example.org'], emails: ['Alice@example.org'], uris: ['.example.org'] },
      excluded: {
        ...none,
        dnsNames: [''],
        addresses: [Buffer.from('0a000000ff000000', 'hex')],
        directoryNames: [[]],
        otherForms: [`otherName ${OID.xmppAddr}`],
      },
    })
  })

  it('may say the minimum that they have anyway', () => {
    const base = sequence(dnsName('example.org'), contextPrimitive(0, Uint8Array.of(0)))
    expect(readNameConstraints(constraints(context(PERMITTED, base))).permitted.dnsNames).toEqual(['example.org'])
  })

  it.each<[what: string, value: Uint8Array]>([
    ['without any list', constraints()],
    ['with an empty list', constraints(context(PERMITTED))],
    ['with a third list', constraints(subtrees(2, dnsName('example.org')))],
    ['with the lists in the wrong order', constraints(subtrees(1, dnsName('a')), subtrees(0, dnsName('a')))],
    ['with trailing octets', Buffer.concat([constraints(subtrees(0, dnsName('a'))), Buffer.of(0)])],
    ['with a minimum', constraints(context(0, sequence(dnsName('a'), contextPrimitive(0, Uint8Array.of(1)))))],
    ['with a maximum', constraints(context(0, sequence(dnsName('a'), contextPrimitive(1, Uint8Array.of(0)))))],
    ['with a base that is not a general name', constraints(subtrees(0, element(0x0c)))],
    ['with a host outside ASCII', constraints(subtrees(1, dnsName('b\u00fccher.example')))],
    ['with a wildcard', constraints(subtrees(1, dnsName('*.example.org')))],
    ['with the dot of the root', constraints(subtrees(1, dnsName('example.org.')))],
    ['with a mail address without localpart', constraints(subtrees(1, rfc822Name('@example.org')))],
    ['with a mail address without host', constraints(subtrees(1, rfc822Name('alice@')))],
    ['with a mail address below a host', constraints(subtrees(1, rfc822Name('alice@.example.org')))],
    ['with a whole URI', constraints(subtrees(1, uri('https://example.org')))],
    ['with an address without mask', constraints(subtrees(1, address('0a000000')))],
    ['with a directory name that is none', constraints(subtrees(1, directory(element(0x31))))],
  ])('are malformed %s', (_, value) => {
    expect(() => readNameConstraints(value)).toThrow(DerError)
  })
})
