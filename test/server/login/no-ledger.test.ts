import { describe, expect, it } from 'vitest'
import { noLedger } from '../../../src/server/login/no-ledger.ts'

describe('a ledger that is not there', () => {
  it('speaks against every certificate, with the reason', () => {
    expect(noLedger({ absence: () => 'it has been moved' })).toEqual({
      check: 'no-ledger',
      reason: 'it has been moved',
    })
  })

  it('is not one that is there, or that cannot go away', () => {
    expect(noLedger({ absence: () => undefined })).toBeUndefined()
    expect(noLedger({})).toBeUndefined()
  })
})
