import { LEAST_BYTES_PER_SECOND, MOST_BYTES_PER_SECOND } from '../listen.ts'
import { different, type ForeignListener, type ForeignShaping, leftOut, type Remark } from './foreign-options.ts'
import { sectionRemark } from './reasons.ts'

interface ImportedShaper {
  /** `max_bytes_per_second`; undefined: the default holds. */
  readonly limit: number | 'infinity' | undefined
  readonly remarks: readonly Remark[]
}

/** What a listener names: a shaper, or an access rule whose values are shapers. */
interface Choice {
  readonly rule: string | undefined
  /** The one for all users; undefined when the rule has none. */
  readonly shaper: unknown
  /** Classes of users that have another one. */
  readonly exceptions: readonly string[]
}

/** What comes of the `shaper` of a listener. Rules for some users are left out: a listener has one rate. */
export function importShaper({ name, shaper: named }: ForeignListener, shaping: ForeignShaping): ImportedShaper {
  if (named === undefined) return { limit: undefined, remarks: [] }
  const choice = choose(named, shaping)
  const exceptions = choice.exceptions.map((acl) =>
    leftOut(`access ${choice.rule} ${acl}`, 'max_bytes_per_second of a listener holds for everybody there'),
  )
  const option = `${name} shaper`
  const rate = rateOf(choice, shaping)
  if (typeof rate === 'object') {
    const reason = `${rate.missing}; the default of max_bytes_per_second holds`
    return { limit: undefined, remarks: [...exceptions, leftOut(option, reason)] }
  }
  const doubt = choice.rule === undefined ? shaping.doubts.shaper : shaping.doubts.rule
  const { limit, reasons } = limitOf(rate, doubt)
  return { limit, remarks: [...exceptions, ...reasons.map((reason) => different(option, reason))] }
}

/** About shapers and access rules that are for something else than these listeners. */
export function unusedShaping(listeners: readonly ForeignListener[], shaping: ForeignShaping): Remark[] {
  const choices = listeners.flatMap(({ shaper }) => (shaper === undefined ? [] : [choose(shaper, shaping)]))
  const shapers = [...shaping.rates.keys()].filter((name) => !choices.some(({ shaper }) => shaper === name))
  const rules = [...shaping.rules.keys()].filter((name) => !choices.some(({ rule }) => rule === name))
  return [
    ...(shapers.length === 0 ? [] : [leftOut('shaper', `no listener for clients uses ${shapers.join(', ')}`)]),
    ...(rules.length === 0 ? [] : [sectionRemark('access')]),
  ]
}

/** The first clause that matches decides; nothing matches the class `none`. */
function choose(named: string, { rules }: ForeignShaping): Choice {
  if (!rules.has(named)) return { rule: undefined, shaper: named, exceptions: [] }
  const clauses = rules.get(named) ?? []
  const index = clauses.findIndex(({ acl }) => acl === 'all')
  const shaper = clauses[index]?.value
  const others = clauses.slice(0, index === -1 ? undefined : index)
  const exceptions = others.filter(({ acl, value }) => acl !== 'none' && value !== shaper).map(({ acl }) => acl)
  return { rule: named, shaper, exceptions: [...new Set(exceptions)] }
}

function rateOf({ rule, shaper }: Choice, { rates }: ForeignShaping): number | 'infinity' | { missing: string } {
  if (shaper === undefined) return { missing: `the access rule ${rule} has no shaper for all` }
  if (shaper === 'none') return 'infinity'
  if (typeof shaper !== 'string' || !rates.has(shaper)) return { missing: `there is no shaper ${shaper}` }
  const rate = rates.get(shaper)
  if (rate === 'none') return 'infinity'
  const isRate = typeof rate === 'number' && Number.isInteger(rate) && rate > 0
  return isRate ? rate : { missing: `the shaper ${shaper} has no rate` }
}

interface Limit {
  readonly limit: number | 'infinity'
  /** In what it differs from the rate. */
  readonly reasons: readonly string[]
}

/** @param doubt whether MongooseIM has applied the rate at all */
function limitOf(rate: number | 'infinity', doubt: string | undefined): Limit {
  if (rate === 'infinity') {
    return {
      limit: rate,
      reasons: ['is now max_bytes_per_second = "infinity"; max_stanzas_per_second holds all the same'],
    }
  }
  const limit = Math.min(Math.max(rate, LEAST_BYTES_PER_SECOND), MOST_BYTES_PER_SECOND)
  const reasons = [
    `is now max_bytes_per_second = ${limit}: reading is delayed in the same way, but what burst_seconds allow may come` +
      ' at once, not that of one second, and max_stanzas_per_second holds too',
  ]
  if (limit > rate) reasons.push(`was ${rate}, which is less than max_bytes_per_second can be`)
  if (limit < rate) reasons.push(`was ${rate}, which is more than max_bytes_per_second can be`)
  if (doubt !== undefined) reasons.push(doubt)
  return { limit, reasons }
}
