import type { Origin, Problem } from './origin.ts'
import { isTable, type Table } from './walk.ts'

/** Which of the c2s listeners are meant. */
export type ListenerKind = 'starttls' | 'tls'

/** A value from the command line or the environment, which wins over the file. */
export interface Override {
  /** From the top, or from the listener when `listeners` says which. */
  readonly path: readonly string[]
  readonly listeners?: 'all' | ListenerKind
  readonly value: unknown
  readonly origin: Origin
  /** Gives way to a value in the file, instead of taking its place. */
  readonly yields?: boolean
}

/** A TOML table that can still be changed. */
type Draft = Record<string, unknown>

export interface Overridden {
  readonly document: Table
  /** Of the values that were put in, by key path. */
  readonly origins: ReadonlyMap<string, Origin>
  readonly problems: readonly Problem[]
}

interface Target {
  readonly path: string
  readonly draft: Draft
  /** Whether somebody wrote it: only then it has values to give way to. */
  readonly isWritten: boolean
}

/** Without `[[listen.c2s]]`: STARTTLS and direct TLS on their usual ports. */
const DEFAULT_LISTENERS = [
  { port: 5222, tls: { mode: 'starttls_required' } },
  { port: 5223, tls: { mode: 'tls' } },
]

/** Puts values of the command line and the environment into a document, and the listeners if it has none. */
export function override(document: Table, overrides: readonly Override[]): Overridden {
  const draft: Draft = structuredClone(document)
  const origins = new Map<string, Origin>()
  const problems: Problem[] = []
  const listeners = listenersOf(draft)
  for (const one of overrides) {
    const { listeners: wanted } = one
    if (wanted === undefined) {
      put({ path: '', draft, isWritten: true }, one, origins)
      continue
    }
    const meant = listeners.filter(({ draft: listener }) => wanted === 'all' || kindOf(listener) === wanted)
    const wrong = misfit(one, wanted, meant.length)
    if (wrong === undefined) for (const listener of meant) put(listener, one, origins)
    else problems.push(wrong)
  }
  return { document: draft, origins, problems }
}

function listenersOf(draft: Draft): Target[] {
  const listen = tableIn(draft, 'listen')
  // Something is wrong with the document, and the schema will say what.
  if (listen === undefined) return []
  const isWritten = listen['c2s'] !== undefined
  listen['c2s'] ??= structuredClone(DEFAULT_LISTENERS)
  const { c2s } = listen
  if (isTable(c2s)) return [{ path: 'listen.c2s', draft: c2s, isWritten }]
  if (!Array.isArray(c2s)) return []
  return c2s.flatMap((one, index) => (isTable(one) ? [{ path: `listen.c2s[${index}]`, draft: one, isWritten }] : []))
}

function kindOf({ tls }: Draft): ListenerKind {
  return isTable(tls) && tls['mode'] === 'tls' ? 'tls' : 'starttls'
}

/** One port cannot go to two listeners; 0 can, and so can everything else. */
function misfit({ path, value, origin, yields }: Override, kind: string, count: number): Problem | undefined {
  if (count === 1 || yields === true) return undefined
  if (count > 0 && (path.at(-1) !== 'port' || value === 0)) return undefined
  const which = kind === 'all' ? '' : kind === 'tls' ? ' with direct TLS' : ' with STARTTLS'
  const message = `there ${count === 0 ? 'is no listener' : `are ${count} listeners`}${which} in the file`
  return { severity: 'error', key: 'listen.c2s', origin, message, fix: 'change the file instead' }
}

function put(target: Target, { path, value, origin, yields }: Override, origins: Map<string, Origin>): void {
  let draft: Draft | undefined = target.draft
  for (const key of path.slice(0, -1)) {
    if (draft === undefined) return
    draft = tableIn(draft, key)
  }
  const last = path.at(-1) ?? ''
  if (draft === undefined || (yields === true && target.isWritten && Object.hasOwn(draft, last))) return
  draft[last] = value
  origins.set([...(target.path === '' ? [] : [target.path]), ...path].join('.'), origin)
}

/** The table under this key, made if there is none; undefined when something else is there. */
function tableIn(draft: Draft, key: string): Draft | undefined {
  if (!Object.hasOwn(draft, key)) draft[key] = {}
  const found = draft[key]
  return isTable(found) ? found : undefined
}
