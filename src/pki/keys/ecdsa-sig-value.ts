import { integer, sequence } from '../der/der-writer.ts'
import type { KeyAlgorithm } from './algorithms.ts'

/**
 * A signature of WebCrypto as it stands in certificates: the two numbers of ECDSA are side by side there and a SEQUENCE
 * here (RFC 3279 §2.2.3), others are the same in both.
 */
export function certificateSignature(signature: Uint8Array, { generation }: KeyAlgorithm): Uint8Array {
  if (generation.type !== 'ec') return signature
  const half = signature.length / 2
  return sequence(integer(signature.subarray(0, half)), integer(signature.subarray(half)))
}
