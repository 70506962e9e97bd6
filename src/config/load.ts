import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { XmppkiError } from '../errors.ts'
import { inconsistencies } from './consistency.ts'
import { describeOrigin, type Origin, type Problem } from './origin.ts'
import { type Override, override } from './overrides.ts'
import { type Configuration, SCHEMA } from './schema.ts'
import { parseToml } from './toml-document.ts'
import { type Setting, walk } from './walk.ts'

/** The name that is looked for in the folder of the workspace. */
const FILE_NAME = 'xmppki.toml'

/** A configuration with a thousand hosts has a tenth of this. */
const MAX_BYTES = 1_048_576

export interface ConfigurationSource {
  /** The file that somebody named; it must be there. */
  readonly file: string | undefined
  /** The folder of the workspace, whose `xmppki.toml` is taken when no file was named and it is there. */
  readonly home: string | undefined
  /** The command line first, then the environment. */
  readonly overrides: readonly Override[]
  /** Served when nothing says what; undefined where there is no workspace yet. */
  readonly defaultHost: string | undefined
}

export interface ReadConfiguration {
  /** The file that was read; undefined when there was none. */
  readonly file: string | undefined
  /** Undefined when there are errors. */
  readonly configuration: Configuration | undefined
  readonly settings: readonly Setting[]
  /** Errors and warnings, in the order of the file. */
  readonly problems: readonly Problem[]
}

/** Where a configuration would come from, whether or not it is there. */
export function configurationPath({
  file,
  home,
}: {
  readonly file: string | undefined
  readonly home: string
}): string {
  return resolve(file ?? join(home, FILE_NAME))
}

/** The file that a configuration comes from; undefined when there is none. @throws {XmppkiError} NOT_FOUND, IO */
function configurationFile({ file, home }: Pick<ConfigurationSource, 'file' | 'home'>): string | undefined {
  if (file === undefined && home === undefined) return undefined
  const path = resolve(file ?? join(home ?? '', FILE_NAME))
  if (statOf(path) !== undefined) return path
  if (file === undefined) return undefined
  throw new XmppkiError('NOT_FOUND', `there is no file ${path}`, { hint: 'name it with --config or XMPPKI_CONFIG' })
}

/**
 * Reads and checks everything; never stops at the first error.
 * @throws {XmppkiError} NOT_FOUND when the file that was named is missing, BAD_INPUT when it is not TOML, IO
 */
export function readConfiguration(source: ConfigurationSource): ReadConfiguration {
  const file = configurationFile(source)
  return checkConfiguration(file === undefined ? '' : readText(file), { ...source, file })
}

/**
 * The effective configuration: flag before environment before file before default.
 * @param warn told what may be wrong, though it can be used
 * @throws {XmppkiError} BAD_INPUT naming file, line, key and fix of the first error; what `readConfiguration` throws
 */
export function loadConfiguration(source: ConfigurationSource, warn: (text: string) => void): Configuration {
  const { file, configuration, problems } = readConfiguration(source)
  const errors = problems.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first === undefined && configuration !== undefined) {
    for (const problem of problems) warn(describeProblem(problem, file))
    return configuration
  }
  if (first === undefined) throw new XmppkiError('INTERNAL', 'no configuration, and no error either')
  throw problemError(first, { file, others: errors.length - 1 })
}

/** One line about a problem: where, which key, what. */
export function describeProblem({ origin, key, message }: Problem, file: string | undefined): string {
  const place = origin.from === 'default' ? file : describeOrigin(origin, file)
  return `${place === undefined ? '' : `${place}: `}${key}: ${message}`
}

interface Context {
  readonly file: string | undefined
  /** How many more errors there are. */
  readonly others?: number
}

export function problemError(problem: Problem, { file, others = 0 }: Context): XmppkiError {
  const rest = others === 0 ? '' : ` (and ${others} more: run xmppki config check)`
  return new XmppkiError('BAD_INPUT', `${describeProblem(problem, file)}${rest}`, {
    ...(problem.fix === undefined ? {} : { hint: problem.fix }),
  })
}

/** As `readConfiguration`, of a text. @throws {XmppkiError} BAD_INPUT when it is not TOML */
export function checkConfiguration(text: string, source: ConfigurationSource): ReadConfiguration {
  const { file, overrides, defaultHost } = source
  const hint = 'the format is TOML 1.0: https://toml.io/en/v1.0.0'
  const { values, lines } = parseToml(text, { source: file ?? 'the configuration', hint })
  const overridden = override(values, overrides)
  const originOf = (key: string): Origin | undefined => {
    const line = lines.get(key)
    return overridden.origins.get(key) ?? (line === undefined ? undefined : { from: 'file', line })
  }
  const folder = file === undefined ? process.cwd() : dirname(file)
  const walked = walk(SCHEMA, overridden.document, { originOf, resolvePath: (path) => resolve(folder, path) })
  const problems = [...overridden.problems, ...walked.problems]
  const { settings } = walked
  if (problems.length > 0) return { file, configuration: undefined, settings, problems: sorted(problems) }
  const configuration = withHost(walked.values as Configuration, defaultHost)
  const nameOf = (array: string, index: number) => (lines.has(array) ? array : `${array}[${index}]`)
  const findings = inconsistencies(configuration, nameOf)
  const found = findings.map((one): Problem => ({ ...one, origin: originOf(one.key) ?? { from: 'default' } }))
  const isGood = found.every(({ severity }) => severity === 'warning')
  return {
    file,
    configuration: isGood ? configuration : undefined,
    settings: settings.map((one) =>
      one.key === 'general.hosts' ? { ...one, value: configuration.general.hosts } : one,
    ),
    problems: sorted(found),
  }
}

function withHost(configuration: Configuration, defaultHost: string | undefined): Configuration {
  const { general } = configuration
  if (general.hosts.length > 0 || defaultHost === undefined) return configuration
  return { ...configuration, general: { ...general, hosts: [defaultHost] } }
}

function sorted(problems: readonly Problem[]): Problem[] {
  const line = ({ origin }: Problem) => (origin.from === 'file' ? origin.line : 0)
  return problems.toSorted((a, b) => line(a) - line(b))
}

function statOf(path: string) {
  return withIo(path, () => statSync(path, { throwIfNoEntry: false }))
}

function readText(path: string): string {
  const size = statOf(path)?.size ?? 0
  if (size > MAX_BYTES) throw new XmppkiError('BAD_INPUT', `${path} has ${size} bytes, more than ${MAX_BYTES}`)
  const octets = withIo(path, () => readFileSync(path))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch (cause) {
    throw new XmppkiError('BAD_INPUT', `${path} is not UTF-8`, { hint: 'save it as UTF-8', cause })
  }
}

function withIo<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new XmppkiError('IO', `cannot read ${path}: ${code}`, { cause })
  }
}
