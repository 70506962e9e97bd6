import { execFile, spawnSync } from 'node:child_process'

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

const TIMEOUT_MS = 100_000

const environment = (env: NodeJS.ProcessEnv = {}) => {
  return { PATH: process.env['PATH'], HOME: '/nonexistent', LC_ALL: 'C.UTF-8', ...env }
}

/** Runs another program to its end; one that hangs has the code null. */
export function program(command: string, args: readonly string[], options: ProgramOptions = {}): ProgramResult {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    input: '',
    timeout: TIMEOUT_MS,
    ...options,
    env: environment(options.env),
  })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') throw error
  return { code: status, stdout, output: `${stdout}${stderr}` }
}

/** As {@link program}, while others run. */
export function programAsync(command: string, args: readonly string[]): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'utf8', env: environment(), timeout: TIMEOUT_MS } as const
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') reject(error)
      else resolve({ code: child.exitCode, stdout, output: `${stdout}${stderr}` })
    })
    child.stdin?.end()
  })
}
