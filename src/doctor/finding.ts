import { XmppkiError } from '../errors.ts'

/** `note` is worth knowing and nothing to do; `warning` works today; `failed` does not work, or is not safe. */
export type FindingState = 'ok' | 'note' | 'warning' | 'failed'

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at: `CA key`. */
  readonly check: string
  readonly state: FindingState
  /** In words; lower-case start, no full stop. */
  readonly text: string
  /** What to do about it, as a command where there is one. */
  readonly hint?: string
}

/** Says something about one check. */
export type Note = (state: FindingState, text: string, hint?: string) => Finding

/** Names come from certificates and servers of strangers, and a terminal would obey them. */
const CONTROL = /\p{Cc}/gu

/** The {@link Note} of one check. Control characters are shown as U+FFFD. */
export function about(check: string): Note {
  return (state, text, hint) => {
    const finding = { check, state, text: text.replace(CONTROL, '\ufffd') }
    return hint === undefined ? finding : { ...finding, hint }
  }
}

/** What an error stops is one failed finding, and the other checks go on. */
export async function attempt(check: string, work: () => Finding[] | Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work()
  } catch (error) {
    // Whatever it is, a doctor that dies of it is of no use.
    if (!(error instanceof XmppkiError)) return [about(check)('failed', String(error))]
    return [about(check)('failed', error.message, error.hint)]
  }
}

/** `2030-12-31`, UTC. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}

const DAY_MS = 86_400_000

/** Whole days from now. */
export function daysUntil(date: Date, now: Date): number {
  return Math.floor((date.getTime() - now.getTime()) / DAY_MS)
}
