import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { removeFolder } from './remove-folder.ts'

const BINARY = fileURLToPath(new URL('../../../bin/xmppki.cjs', import.meta.url))

export interface CliResult {
  /** Exit code; null when a signal ended the process. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** Added to a small environment without anything of the user's; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly cwd?: string
  /** Ends the process by SIGKILL after so many milliseconds. */
  readonly killAfter?: number
  readonly umask?: string
}

const TIMEOUT_MS = 100_000

/** Runs the built program, never for ever. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { env, stdin, cwd, killAfter, umask } = options
  const command =
    umask === undefined
      ? [process.execPath, BINARY]
      : ['/bin/sh', '-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, BINARY]
  const [file = '', ...rest] = [...command, ...args]
  const base = { PATH: process.env['PATH'], HOME: '/nonexistent', NO_COLOR: '1', COLUMNS: '120' }
  const child = spawn(file, rest, {
    env: { ...base, ...env },
    cwd,
    timeout: killAfter ?? TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  // A program that does not read its input closes it; that is no failure of the test.
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** A temporary folder and the program working on a workspace in it. */
export class CliHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'xmppki-cli-'))
  readonly home = join(this.folder, 'home')

  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return runCli(args, { cwd: this.folder, ...options, env: { XMPPKI_HOME: this.home, ...options.env } })
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  remove(): void {
    removeFolder(this.folder)
  }
}
