import { spawnSync } from 'node:child_process'

export interface ProgramResult {
  readonly code: number | null
  readonly stdout: string
  /** Both streams: programs differ in where they say what. */
  readonly output: string
}

export interface ProgramOptions {
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** Runs another program to its end; one that hangs has the code null. */
export function program(command: string, args: readonly string[], options: ProgramOptions = {}): ProgramResult {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    input: '',
    timeout: 50_000,
    ...options,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', LC_ALL: 'C.UTF-8', ...options.env },
  })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') throw error
  return { code: status, stdout, output: `${stdout}${stderr}` }
}
