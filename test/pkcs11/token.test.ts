import { describe, expect, it } from 'vitest'
import { checkPinTries } from '../../src/pkcs11/token.ts'

// CK_TOKEN_INFO flags, PKCS #11 v2.40 §3.2; 0x42d: what an initialized token of SoftHSM has.
describe('checkPinTries', () => {
  it.each([
    ['no try was wrong', 0x0042d],
    ['one was wrong (CKF_USER_PIN_COUNT_LOW)', 0x1042d],
  ])('lets log in when %s', (_, flags) => {
    expect(() => checkPinTries({ label: 'ca', flags })).not.toThrow()
  })

  it.each([
    ['the next wrong one locks the token (CKF_USER_PIN_FINAL_TRY)', 0x3042d, 'one try left for its PIN'],
    ['the token is locked (CKF_USER_PIN_LOCKED)', 0x4042d, "the PIN of the PKCS#11 token 'ca' is locked"],
  ])('refuses when %s', (_, flags, message) => {
    expect(() => checkPinTries({ label: 'ca', flags })).toThrow(
      expect.objectContaining({ code: 'PASSPHRASE', message: expect.stringContaining(message) }),
    )
  })
})
