import { describeProblem, readConfiguration } from '../config/load.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { about, type Finding } from './finding.ts'

/** `xmppki.toml` of the workspace, as `serve` without flags would take it. */
export function examineConfiguration(workspace: Workspace): Finding[] {
  const note = about('configuration')
  const source = { file: undefined, home: workspace.paths.home, overrides: [], defaultHost: workspace.defaultDomain }
  const { file, problems } = readConfiguration(source)
  if (problems.length > 0) {
    return problems.map((problem) =>
      note(problem.severity === 'error' ? 'failed' : 'warning', describeProblem(problem, file), problem.fix),
    )
  }
  return [file === undefined ? note('note', 'no xmppki.toml: the defaults') : note('ok', file)]
}
