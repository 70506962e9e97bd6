import { type ConfigurationSource, type ReadConfiguration, readConfiguration } from '../../config/load.ts'
import { fileProblems } from '../../config/named-files.ts'
import { examineMaterial } from './material-check.ts'
import { ownCas } from './trust-check.ts'

/** A configuration, and what was found in the files that it names. */
export interface ExaminedConfiguration extends ReadConfiguration {
  /** The CRLs that count, for people. */
  readonly covered: readonly string[]
}

/**
 * As `readConfiguration`, with what is wrong with the files that it names, and in them: everything that would keep
 * `serve` from starting. @throws {XmppkiError} what `readConfiguration` throws
 */
export async function examinedConfiguration(source: ConfigurationSource): Promise<ExaminedConfiguration> {
  const read = readConfiguration(source)
  const { file, settings, configuration } = read
  if (file === undefined) return { ...read, covered: [] }
  const problems = [...read.problems, ...fileProblems(settings, file)]
  // Only files that are there can be looked into.
  const isReadable = problems.every(({ severity }) => severity === 'warning')
  if (configuration === undefined || !isReadable) return { ...read, problems, covered: [] }
  const material = await examineMaterial(configuration, settings, source.home === undefined ? [] : ownCas(source.home))
  return { ...read, problems: [...problems, ...material.problems], covered: material.covered }
}
