import { WorkspacePaths } from './paths.ts'
import { readSettings } from './settings.ts'

/** The domain of the workspace in this folder; undefined where there is none. @throws {XmppkiError} CORRUPT, IO */
export function servedByDefault(home: string): string | undefined {
  return readSettings(new WorkspacePaths(home).settings)?.domain
}
