import { randomBytes } from 'node:crypto'

const BYTES = 32

/** A new one, as databases keep it. */
export function newDummySecret(): string {
  return randomBytes(BYTES).toString('base64')
}

export function dummySecretOf(kept: string): Uint8Array {
  return Buffer.from(kept, 'base64')
}
