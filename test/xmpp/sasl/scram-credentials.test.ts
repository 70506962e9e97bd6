import { describe, expect, it } from 'vitest'
import { deriveKeys, preparePassword, verifyPassword } from '../../../src/xmpp/sasl/scram-credentials.ts'
import { SCRAM_HASHES, type ScramKeySet } from '../../../src/xmpp/sasl/scram-keys.ts'

const options = { hashes: SCRAM_HASHES, iterations: 4096 }

/** Of the password "pencil": the examples of RFC 5802 §5 and RFC 7677 §3, their keys as any SCRAM client derives them. */
const RFC_5802: ScramKeySet = {
  'sha-1': {
    salt: 'QSXCR+Q6sek8bf92',
    iterations: 4096,
    storedKey: '6dlGYMOdZcOPutkcNY8U2g7vK9Y=',
    serverKey: 'D+CSWLOshSulAsxiupA+qs2/fTE=',
  },
}
const RFC_7677: ScramKeySet = {
  'sha-256': {
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    iterations: 4096,
    storedKey: 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=',
    serverKey: 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  },
}

describe('deriveKeys', () => {
  it('makes keys for every hash, each with a salt of its own', async () => {
    const keys = await deriveKeys('open sesame', options)
    expect(Object.keys(keys)).toEqual([...SCRAM_HASHES])
    const salts = Object.values(keys).map(({ salt }) => salt)
    expect(new Set(salts).size).toBe(3)
    for (const salt of salts) expect(Buffer.from(salt, 'base64').length).toBeGreaterThanOrEqual(16)
    for (const { iterations } of Object.values(keys)) expect(iterations).toBe(4096)
  })

  it('never makes the same keys twice', async () => {
    expect(await deriveKeys('open sesame', options)).not.toEqual(await deriveKeys('open sesame', options))
  })

  it.each([
    ['an empty one', ''],
    ['one that SASLprep leaves nothing of', '\u00ad'],
    ['a control character', 'open\u0007sesame'],
    ['an unassigned character (RFC 4013 §2.5)', '\u0221'],
    ['two directions (RFC 3454 §6)', '\u0627a'],
    ['more than anybody types', 'x'.repeat(1_024)],
  ])('refuses %s', async (_, password) => {
    await expect(deriveKeys(password, options)).rejects.toMatchObject({ code: 'PASSPHRASE' })
  })

  it('does not repeat a password that it refuses', async () => {
    await expect(deriveKeys('sesame\u0007', options)).rejects.not.toThrow('sesame')
  })

  it('refuses fewer rounds than RFC 5802 §5.1 allows', async () => {
    await expect(deriveKeys('open sesame', { ...options, iterations: 4095 })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      spec: 'RFC 5802 §5.1',
    })
  })
})

describe('preparePassword', () => {
  // RFC 4013 §3
  it.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['\u0007', undefined],
    ['\u0627\u0031', undefined],
    ['open\u00a0sesame', 'open sesame'],
  ])('maps %j to %j', (password, prepared) => {
    expect(preparePassword(password)).toBe(prepared)
  })
})

describe('verifyPassword', () => {
  it.each(SCRAM_HASHES)('knows the password of its keys for %s', async (hash) => {
    const keys = await deriveKeys('p\u00e4sswort', { ...options, hashes: [hash] })
    // The same letter, typed on another keyboard.
    expect(await verifyPassword('pa\u0308sswort', keys)).toBe(true)
    expect(await verifyPassword('passwort', keys)).toBe(false)
  })

  it('knows the passwords of the RFCs', async () => {
    expect(await verifyPassword('pencil', RFC_5802)).toBe(true)
    expect(await verifyPassword('pencil', RFC_7677)).toBe(true)
    expect(await verifyPassword('Pencil', RFC_5802)).toBe(false)
  })

  it('says no to what cannot be a password, and to an account without one', async () => {
    expect(await verifyPassword('', RFC_5802)).toBe(false)
    expect(await verifyPassword('\u0007', RFC_5802)).toBe(false)
    expect(await verifyPassword('pencil', {})).toBe(false)
  })

  it('says no when the keys are damaged', async () => {
    const damaged = { 'sha-1': { ...RFC_5802['sha-1']!, serverKey: 'AAAA' } }
    expect(await verifyPassword('pencil', damaged)).toBe(false)
  })
})
