import { XmppkiError } from '../../errors.ts'
import type { Issuer } from './issuer.ts'

/** Both ends are whole seconds; `notAfter` is the last second of validity. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

const MAX_DAYS = 36_500
const DAY = 86_400_000

/** Certificates are used seconds after they were issued, on machines whose clocks are a little slow. */
const BACKDATING = 5 * 60_000

function wholeSeconds(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000)
}

function checkDays(days: number): void {
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new XmppkiError('BAD_INPUT', `a certificate cannot be valid for ${days} days`, {
      hint: `give --days a whole number from 1 to ${MAX_DAYS}`,
    })
  }
}

/**
 * The validity period of a self-signed certificate that is made now: from five minutes ago, against
 * clock skew, to `days` from now.
 * @throws XmppkiError BAD_INPUT when days is not a whole number from 1 to 36500
 */
export function rootValidity(days: number, now: Date): Validity {
  checkDays(days)
  return {
    notBefore: wholeSeconds(now.getTime() - BACKDATING),
    notAfter: wholeSeconds(now.getTime() + days * DAY),
  }
}

/**
 * As `rootValidity`, within the validity of the issuer.
 * @throws XmppkiError BAD_INPUT when the certificate would outlive its issuer, with the largest
 *   possible `--days` in the hint
 */
export function issuedValidity(days: number, now: Date, issuer: Issuer): Validity {
  const { notBefore, notAfter } = rootValidity(days, now)
  const ca = issuer.certificate
  if (now < ca.notBefore) {
    throw new XmppkiError('BAD_INPUT', `the CA certificate is not valid before ${ca.notBefore.toISOString()}`, {
      hint: 'check the clock of this machine',
    })
  }
  if (notAfter > ca.notAfter) {
    const most = Math.floor((ca.notAfter.getTime() - now.getTime()) / DAY)
    const end = ca.notAfter.toISOString()
    throw new XmppkiError('BAD_INPUT', `${days} days from now is after the CA certificate ends (${end})`, {
      hint:
        most >= 1
          ? `use --days ${most} or less`
          : 'make a new certificate authority: this one has less than a day left',
    })
  }
  return {
    notBefore: new Date(Math.max(notBefore.getTime(), ca.notBefore.getTime())),
    notAfter,
  }
}
