import { accessSync, constants, statSync } from 'node:fs'
import type { Problem } from './origin.ts'
import type { Setting } from './walk.ts'

/**
 * What is wrong with the files that a configuration names: missing, unreadable, or secret and open to others.
 * @param own the file of the configuration itself, which is as secret as what stands in it
 */
export function fileProblems(settings: readonly Setting[], own: string): Problem[] {
  return settings.flatMap(({ key, value, origin, file, secret }) => {
    if (secret === true && origin.from === 'file') {
      const finding = judge(own, 'secret')
      return finding === undefined ? [] : [{ key, origin, ...finding }]
    }
    if (file === undefined || value === undefined) return []
    return [value].flat().flatMap((path): Problem[] => {
      const finding = judge(String(path), file)
      return finding === undefined ? [] : [{ key, origin, ...finding }]
    })
  })
}

type Finding = Pick<Problem, 'severity' | 'message' | 'fix'>

function judge(path: string, kind: 'public' | 'secret'): Finding | undefined {
  try {
    const { mode } = statSync(path)
    accessSync(path, constants.R_OK)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) return error(`${path} is not a file`, 'name a file')
    return kind === 'secret' ? openness(path, mode & 0o777) : undefined
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    if (code === 'ENOENT')
      return error(
        `there is no file ${path}`,
        'correct the name; a relative one counts from the folder of the configuration',
      )
    return error(`cannot read ${path}: ${code}`, `let the user that runs xmppki read it`)
  }
}

function openness(path: string, mode: number): Finding | undefined {
  const shown = mode.toString(8).padStart(4, '0')
  if ((mode & 0o007) !== 0)
    return error(`everybody on this machine can use ${path} (mode ${shown})`, `chmod 600 ${path}`)
  // A group for those who may use it (Debian's ssl-cert) is a choice; writing is not.
  if ((mode & 0o070) === 0) return undefined
  const message = `a group can use ${path} (mode ${shown})`
  return { severity: 'warning', message, fix: `chmod 600 ${path}, unless the group is meant` }
}

function error(message: string, fix: string): Finding {
  return { severity: 'error', message, fix }
}
