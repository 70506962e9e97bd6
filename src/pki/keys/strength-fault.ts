/** Why a signature or a key is not accepted; `reason` completes a log line. */
export interface StrengthFault {
  readonly check: 'weak-signature' | 'weak-key' | 'unsupported-key'
  readonly reason: string
}
