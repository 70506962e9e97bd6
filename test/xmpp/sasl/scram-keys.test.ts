import { describe, expect, it } from 'vitest'
import { SCRAM_HASHES, scramName } from '../../../src/xmpp/sasl/scram-keys.ts'

describe('the names of SCRAM (RFC 5802 §4, RFC 7677, XEP-0438)', () => {
  it('are those by which others know them, the weakest first', () => {
    expect(SCRAM_HASHES.flatMap((hash) => [scramName(hash, false), scramName(hash, true)])).toEqual([
      'SCRAM-SHA-1',
      'SCRAM-SHA-1-PLUS',
      'SCRAM-SHA-256',
      'SCRAM-SHA-256-PLUS',
      'SCRAM-SHA-512',
      'SCRAM-SHA-512-PLUS',
    ])
  })
})
