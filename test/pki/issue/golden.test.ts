import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GOLDEN_CASES } from './golden-cases.ts'

/** Octets in hexadecimal by what they are, made by the writer of ours that came before the schemas of @peculiar. */
const golden: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('../fixtures/to-be-signed.json', import.meta.url), 'utf8'),
)

describe('what is signed, octet for octet but for the serial number', () => {
  it.each([...GOLDEN_CASES])('%s', async (what, make) => {
    expect(Buffer.from(await make()).toString('hex')).toBe(golden[what])
  })

  it('is all there', () => {
    expect([...GOLDEN_CASES.keys()]).toEqual(Object.keys(golden))
  })
})
