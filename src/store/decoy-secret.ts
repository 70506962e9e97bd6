import { randomBytes } from 'node:crypto'

const BYTES = 32

/** A new one, as databases keep it. */
export function newDecoySecret(): string {
  return randomBytes(BYTES).toString('base64')
}

export function decoySecretOf(kept: string): Uint8Array {
  return Buffer.from(kept, 'base64')
}
