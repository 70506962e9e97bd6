import { fileProblems } from '../config/files.ts'
import { type ConfigurationSource, type ReadConfiguration, readConfiguration } from '../config/load.ts'
import { materialProblems } from './material-check.ts'

/**
 * As `readConfiguration`, with what is wrong with the files that it names, and in them: everything that would keep
 * `serve` from starting. @throws {XmppkiError} what `readConfiguration` throws
 */
export function examinedConfiguration(source: ConfigurationSource): ReadConfiguration {
  const read = readConfiguration(source)
  const { file, settings, configuration } = read
  if (file === undefined) return read
  const problems = [...read.problems, ...fileProblems(settings, file)]
  // Only files that are there can be looked into.
  if (configuration !== undefined && problems.every(({ severity }) => severity === 'warning')) {
    problems.push(...materialProblems(configuration, settings))
  }
  return { ...read, problems }
}
