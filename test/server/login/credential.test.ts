import { describe, expect, it } from 'vitest'
import { certificateOf } from '../../../src/server/login/credential.ts'
import { certificateCredential } from '../../support/certificates/credentials.ts'

describe('the certificate of a login', () => {
  it('is the credential itself, with all that was put into it', () => {
    const credential = certificateCredential()
    expect(certificateOf(credential)).toBe(credential)
  })

  it.each([undefined, { mechanism: 'SCRAM-SHA-256' }, { mechanism: 'EXTERNAL' }])(
    'is not there in %o',
    (credential) => {
      expect(certificateOf(credential)).toBeUndefined()
    },
  )
})
