import { describe, expect, it } from 'vitest'
import { decodeUtf8 } from '../../../src/xmpp/sasl/utf8-message.ts'

describe('UTF-8 in SASL', () => {
  it.each(['', 'abc', 'ä€😀', 'a\0b', '\ufeffa', '\ufffd'])('%j is read as it is', (text) => {
    expect(decodeUtf8(Buffer.from(text))).toBe(text)
  })

  it.each([[[0xe4]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xe2, 0x82]], [[0x61, 0xff]]])('%j is none', (octets) => {
    expect(decodeUtf8(Uint8Array.from(octets))).toBeUndefined()
  })
})
