import { type ConfigurationSource, describeProblem } from '../config/load.ts'
import type { Configuration } from '../config/schema.ts'
import { storeUrl } from '../config/store-url.ts'
import { examinedConfiguration } from '../service/check/configuration-check.ts'
import { reachDatabase } from '../store/open/reach-database.ts'
import { ACCOUNTS_WORDS } from '../store/sqlite/accounts.ts'
import { checkDatabaseFile } from '../store/sqlite/check.ts'
import type { Workspace } from '../workspace/base/workspace.ts'
import { exists } from '../workspace/disk/files.ts'
import { about, attempt, type Finding } from './finding.ts'
import { examinePorts } from './ports.ts'

/** Where somebody says that the configuration is; without a file it is `xmppki.toml` of the workspace, if that is there. */
export type ConfigurationPlace = Pick<ConfigurationSource, 'file' | 'overrides'>

/** The configuration as `serve` would take it, and what it is about: accounts and ports. */
export async function examineConfiguration(
  workspace: Workspace,
  place: ConfigurationPlace = { file: undefined, overrides: [] },
): Promise<Finding[]> {
  const note = about('configuration')
  const source = { ...place, home: workspace.paths.home, defaultHost: workspace.defaultDomain }
  const { file, configuration, problems, covered } = await examinedConfiguration(source)
  const found = problems.map((problem) =>
    note(problem.severity === 'error' ? 'failed' : 'warning', describeProblem(problem, file), problem.fix),
  )
  if (configuration === undefined || found.some(({ state }) => state === 'failed')) return found
  const sound = file === undefined ? note('note', 'no xmppki.toml: the defaults') : note('ok', file)
  const accounts = await attempt('accounts', () => examineAccounts(workspace, configuration))
  const ports = await attempt('ports', () => examinePorts(workspace, configuration))
  const lists = covered.map((text) => about('CRLs of other CAs')('ok', text))
  return [...(found.length > 0 ? found : [sound]), ...lists, ...accounts, ...ports]
}

/** The database of the accounts; nothing where nobody has one. Nothing is made in it. */
async function examineAccounts({ paths }: Workspace, configuration: Configuration): Promise<Finding[]> {
  const note = about('accounts')
  const url = storeUrl(configuration)
  if (url !== undefined) {
    await reachDatabase(url)
    return [note('ok', 'the database of the store can be reached')]
  }
  if (!configuration.auth.methods.includes('rdbms')) return []
  const { accounts: path } = paths
  if (!exists(path)) return [note('note', 'there are none yet', 'xmppki user add NAME')]
  const [problem] = checkDatabaseFile(path, ACCOUNTS_WORDS)
  if (problem !== undefined) return [note('failed', `${path} is damaged: ${problem}`, ACCOUNTS_WORDS.restore)]
  return [note('ok', `${path} is undamaged`)]
}
