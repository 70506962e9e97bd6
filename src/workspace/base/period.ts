import { XmppkiError } from '../../errors.ts'

/** A length of time, or a part of the whole validity of a certificate. */
export type Period = { readonly milliseconds: number } | { readonly share: number }

const DAY_MS = 86_400_000
const UNITS: Readonly<Record<string, number>> = { h: DAY_MS / 24, d: DAY_MS, w: 7 * DAY_MS }

/** What `--expiring` and the like take: `30d`, `12h`, `2w`, `25%`. @throws {XmppkiError} BAD_INPUT */
export function parsePeriod(text: string): Period {
  const [, digits = '', unit = ''] = /^([0-9]{1,5})([hdw%])$/.exec(text) ?? []
  const amount = Number(digits)
  const milliseconds = UNITS[unit]
  if (amount > 0 && milliseconds !== undefined) return { milliseconds: amount * milliseconds }
  if (amount > 0 && amount <= 100 && unit === '%') return { share: amount / 100 }
  throw new XmppkiError('BAD_INPUT', `'${text}' is not a period`, {
    hint: 'write it as 30d, 12h or 2w, or as a part of the validity of the certificate: 25%',
  })
}

/** Whether what is left of the validity is no more than the period. Times in milliseconds since the epoch. */
export function endsWithin(
  period: Period,
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  now: number,
): boolean {
  const limit = 'share' in period ? (notAfter - notBefore) * period.share : period.milliseconds
  return notAfter - now <= limit
}
