import { type DerElement, DerError, TAG } from '../der/der.ts'

/** X.690 §8.25 and §8.26 as BER has them: seconds and fractions may be missing, and hours may be those of elsewhere. */
const FORMS = {
  [TAG.utcTime]: /^(?<year>\d{2})(?<rest>\d{8})(?<seconds>\d{2})?(?<zone>Z|[+-]\d{4})$/,
  [TAG.generalizedTime]: /^(?<year>\d{4})(?<rest>\d{8})(?<seconds>\d{2})?(?:[.,]\d+)?(?<zone>Z|[+-]\d{4})$/,
}

/** Longer ones have fractions that nobody can mean. */
const MAX_OCTETS = 40

/** Minutes that a clock with this offset is ahead. */
function offsetOf(zone: string): number {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))]
  if (hours > 23 || minutes > 59) throw new DerError('bad time')
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/** RFC 5280 §4.1.2.5.1: two-digit years from 50 on are of the twentieth century. */
function fullYear(year: string): string {
  if (year.length === 4) return year
  return `${Number(year) >= 50 ? '19' : '20'}${year}`
}

/** `20260228` and what follows as a moment of UTC; refuses days and hours that there are not. */
function momentOf(year: string, rest: string, seconds: string): Date {
  const [month, day, hour, minute] = [0, 2, 4, 6].map((at) => rest.slice(at, at + 2))
  const text = `${year}-${month}-${day}T${hour}:${minute}:${seconds}.000Z`
  const date = new Date(text)
  // Date takes 24:00 and, in some months, the 30th and 31st for moments of the day after.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== text) throw new DerError('bad time')
  return date
}

/**
 * A time of a CRL in any form that means one moment only: also without seconds, with a fraction, or with an offset, which
 * RFC 5280 §5.1.2.4 forbids and some CAs write. One without a time zone is not taken.
 * @throws DerError
 */
export function readLooseTime(element: DerElement): Date {
  const form = element.tag === TAG.utcTime || element.tag === TAG.generalizedTime ? FORMS[element.tag] : undefined
  if (form === undefined || element.length > MAX_OCTETS) throw new DerError('not a time')
  const { year, rest, seconds = '00', zone } = form.exec(element.latin1())?.groups ?? {}
  if (year === undefined || rest === undefined || zone === undefined) throw new DerError('bad time')
  const date = momentOf(fullYear(year), rest, seconds)
  return new Date(date.getTime() - offsetOf(zone) * 60_000)
}
