import type { CrlEntry } from '../pki/revocation/crl-entries.ts'
import type { CrlHeader } from '../pki/revocation/crl-reader.ts'
import type { RevocationReason } from '../pki/revocation/revocation-reason.ts'
import type { LoadedList } from './loaded-list.ts'

/** What a list says about a certificate that it names. */
export interface Revocation {
  /** When the list was made, where the entry does not say it. */
  readonly revokedAt: Date
  readonly reason: RevocationReason | undefined
}

/** A serial number and the CA whose it is. */
export interface Listed {
  /** Two's complement in its shortest form. */
  readonly serial: Uint8Array
  /** Name of the issuer, see `nameKey`. */
  readonly issuer: string
}

function isNewer(one: CrlHeader, other: CrlHeader): boolean {
  const [time, otherTime] = [one.thisUpdate.getTime(), other.thisUpdate.getTime()]
  if (time !== otherTime) return time > otherTime
  return one.number !== undefined && other.number !== undefined && one.number > other.number
}

/** Whether a list takes the place of another of the same CA and scope: what only that one says does not hold any more. */
function displaces(one: LoadedList, other: LoadedList, now: Date): boolean {
  if (one === other || one.doubts.length > 0 || one.crl.thisUpdate > now || !isNewer(one.crl, other.crl)) return false
  const [delta, otherDelta] = [one.crl.delta, other.crl.delta]
  if (otherDelta === undefined) return delta === undefined
  // A complete list has everything that a delta before it has said (RFC 5280 §5.2.4), unless its number denies it.
  if (delta === undefined)
    return !(one.crl.number !== undefined && other.crl.number !== undefined && one.crl.number < other.crl.number)
  // A delta has everything since its base.
  return (
    delta.baseNumber !== undefined && otherDelta.baseNumber !== undefined && delta.baseNumber <= otherDelta.baseNumber
  )
}

/**
 * Whether a list that has come in the place of another, of the same source, is as good: whoever has it need not hold on to
 * that one.
 */
export function takesPlaceOf(one: LoadedList, other: LoadedList): boolean {
  const [delta, otherDelta] = [one.crl.delta !== undefined, other.crl.delta !== undefined]
  const sameScope = one.crl.scopeKey === other.crl.scopeKey || one.crl.scopeKey === ''
  if (one.signer !== other.signer || delta !== otherDelta || !sameScope || isNewer(other.crl, one.crl)) return false
  return one.doubts.length === 0 || other.doubts.length > 0
}

/** Whether a delta continues a complete list of its CA and scope (RFC 5280 §5.2.4 c and d). */
function continues({ crl: { delta, number } }: LoadedList, { crl: complete }: LoadedList): boolean {
  if (delta?.baseNumber === undefined || number === undefined || complete.number === undefined) return false
  return complete.number >= delta.baseNumber && complete.number < number
}

/** Undefined when it holds now; completes a log line. */
function datesProblem({ crl: { thisUpdate, nextUpdate } }: LoadedList, now: Date): string | undefined {
  if (thisUpdate > now) return `its CRL is not valid before ${thisUpdate.toISOString()}`
  return nextUpdate !== undefined && nextUpdate < now ? `its CRL is stale since ${nextUpdate.toISOString()}` : undefined
}

function holds(list: LoadedList, now: Date): boolean {
  return list.doubts.length === 0 && datesProblem(list, now) === undefined
}

function revocationBy({ revokedAt, reason }: CrlEntry, { crl }: LoadedList): Revocation {
  return { revokedAt: revokedAt ?? crl.thisUpdate, reason }
}

/** The lists of one CA and one scope: complete ones, and deltas to them. */
export class ListGroup {
  readonly #complete: readonly LoadedList[]
  readonly #deltas: readonly LoadedList[]

  constructor(lists: readonly LoadedList[]) {
    this.#complete = lists.filter(({ crl }) => crl.delta === undefined)
    this.#deltas = lists
      .filter(({ crl }) => crl.delta !== undefined)
      .toSorted((a, b) => (isNewer(a.crl, b.crl) ? -1 : isNewer(b.crl, a.crl) ? 1 : 0))
  }

  /** The complete lists that decide: those in whose place no newer one has come. */
  complete(now: Date): readonly LoadedList[] {
    const all = this.#complete
    return all.length < 2 ? all : all.filter((list) => !all.some((other) => displaces(other, list, now)))
  }

  /** Whether its CA has revoked it, by what these lists say: stale or not, however odd (RFC 5280 §6.3.3 i to k). */
  revocationOf({ serial, issuer }: Listed, now: Date): Revocation | undefined {
    const find = ({ entries, crl }: LoadedList) => entries.find(serial, issuer, crl.issuerKey)
    let removedBy: LoadedList | undefined
    for (const delta of this.#currentDeltas(now)) {
      const entry = find(delta)
      if (entry === undefined) continue
      if (entry.reason !== 'removeFromCRL') return revocationBy(entry, delta)
      if (!holds(delta, now)) continue
      removedBy = delta
      break
    }
    for (const list of this.complete(now)) {
      const entry = find(list)
      if (entry === undefined || (removedBy !== undefined && continues(removedBy, list))) continue
      return revocationBy(entry, list)
    }
    return undefined
  }

  /** Why a complete list of this group says nothing about what it does not list; undefined when it does. */
  problemOf(list: LoadedList, now: Date): string | undefined {
    const [doubt] = list.doubts
    if (doubt !== undefined) return doubt
    const problem = datesProblem(list, now)
    const isContinued = () => this.#deltas.some((delta) => holds(delta, now) && continues(delta, list))
    return problem === undefined || (list.crl.thisUpdate <= now && isContinued()) ? undefined : problem
  }

  #currentDeltas(now: Date): readonly LoadedList[] {
    if (this.#deltas.length === 0) return this.#deltas
    const all = [...this.#deltas, ...this.#complete]
    return this.#deltas.filter((list) => !all.some((other) => displaces(other, list, now)))
  }
}

/** Lists by CA and scope. @param lists of CAs that are known to have signed them */
export function groupsOf(lists: readonly LoadedList[]): ListGroup[] {
  const groups = new Map<string, LoadedList[]>()
  for (const list of lists) {
    const key = `${list.signer}\n${list.crl.scopeKey}`
    groups.set(key, [...(groups.get(key) ?? []), list])
  }
  return [...groups.values()].map((group) => new ListGroup(group))
}
