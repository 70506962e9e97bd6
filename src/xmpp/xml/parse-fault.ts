/**
 * Leaves the tokenizer at the first fault: it would otherwise carry on to the end of its input, and a flood of errors
 * would cost more than a flood of stanzas. Never leaves the parser.
 */
export class ParseFaultError extends Error {
  override readonly name = 'ParseFaultError'
  readonly condition: FaultCondition

  constructor(condition: FaultCondition, text: string) {
    super(text)
    this.condition = condition
  }
}

/** The stream error conditions of RFC 6120 §4.9.3 that XML itself can deserve. */
export type FaultCondition =
  | 'bad-format'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'unsupported-encoding'
