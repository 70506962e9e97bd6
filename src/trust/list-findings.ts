import { ALL_REASONS } from '../pki/revocation/distribution-points.ts'
import type { TrustFinding } from './authority-findings.ts'
import type { CaCertificate } from './ca-certificate.ts'
import type { LoadedList, UnusableList } from './loaded-list.ts'
import type { RevocationLists } from './revocation-lists.ts'

const DAY_MS = 86_400_000

/** A list that is fetched in time seldom has so little of its time left, or of its days. */
const REST = 1 / 4
const WARN_MS = 2 * DAY_MS

const FETCH = 'fetch the newest one'

/** For how long it is good, in words. */
function datesOf({ crl: { thisUpdate, nextUpdate } }: LoadedList, now: Date): string | undefined {
  if (thisUpdate > now) return `is not valid before ${thisUpdate.toISOString()}`
  if (nextUpdate === undefined) return 'does not say until when it holds'
  const left = nextUpdate.getTime() - now.getTime()
  if (left < 0) return `is stale since ${nextUpdate.toISOString()}`
  const span = nextUpdate.getTime() - thisUpdate.getTime()
  return left < Math.min(WARN_MS, span * REST) ? `is stale soon, at ${nextUpdate.toISOString()}` : undefined
}

/** What is wrong, or soon will be, with a list as it was read. */
export function listFindings(list: LoadedList | UnusableList, now: Date): TrustFinding[] {
  const { source } = list
  if ('reason' in list) {
    const { issuer, reason } = list
    const whose = issuer === undefined ? 'a CRL' : `the CRL of ${issuer}`
    return [{ text: `${whose} in ${source} cannot be used: ${reason}`, fix: FETCH }]
  }
  const whose = `the CRL of ${list.crl.issuer} in ${source}`
  const dates = datesOf(list, now)
  const foreign = list.signer === undefined ? [`${whose} is of no configured CA`] : []
  return [
    ...(dates === undefined ? [] : [{ text: `${whose} ${dates}`, fix: FETCH }]),
    ...list.doubts.map((doubt) => {
      const text = `in ${source}, of ${list.crl.issuer}: ${doubt}: what it does not list counts as unknown`
      return { text, fix: 'ask that CA for a CRL without it' }
    }),
    ...foreign.map((text) => ({ text, fix: 'name the certificate of that CA in cacertfile, or remove the CRL' })),
  ]
}

/** Of which CAs it is not known what they have revoked. */
export function gapFindings(
  lists: RevocationLists,
  authorities: readonly CaCertificate[],
  mode: 'soft' | 'hard',
  now: Date,
): TrustFinding[] {
  const effect = mode === 'hard' ? 'nobody logs in with its certificates' : 'revoked certificates log in'
  return authorities.flatMap((authority) => {
    const gap = lists.gapOf(authority, now)
    if (gap === undefined) return []
    const text = `it is not known what the CA ${gap.issuer} has revoked (${gap.reason}): ${effect}`
    return [{ text, fix: 'name a current CRL of it in crl_files' }]
  })
}

/** What a list covers, for people. */
export function describeList({ crl, entries, source }: LoadedList): string {
  const { scope, delta, number, nextUpdate, issuer } = crl
  const parts = [
    `${delta === undefined ? 'CRL' : 'delta CRL'} of ${issuer} in ${source}`,
    ...(number === undefined ? [] : [`number ${number}`]),
    `${entries.count} revoked`,
    ...(nextUpdate === undefined ? [] : [`holds until ${nextUpdate.toISOString()}`]),
    ...(scope.only === undefined ? [] : [`${scope.only} certificates only`]),
    ...(scope.reasons === ALL_REASONS ? [] : ['some reasons only']),
    ...(scope.names === undefined ? [] : [`of ${scope.names.map(({ text }) => text).join(' ')}`]),
    ...(scope.indirect ? ['also of other CAs'] : []),
  ]
  return parts.join(', ')
}
