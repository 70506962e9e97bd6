import { randomBytes } from 'node:crypto'

/** 32 characters, so 5 bits each; without l, o, 0, 1, and in one case, for people who type it into a phone. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'
const LENGTH = 20

/** A password of 100 random bits in plain ASCII, which is all that Java reads in PKCS#12. */
export function generatePassword(): string {
  return Array.from(randomBytes(LENGTH), (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('')
}
