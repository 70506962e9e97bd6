import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MEMORY_PROBE = fileURLToPath(new URL('memory-probe.cjs', import.meta.url))
const BINARY = fileURLToPath(new URL('../../../bin/xmppki.cjs', import.meta.url))

/** A server that nobody ends is ended. Longer than a file of tests takes: some servers are there for all of them. */
const LIFETIME_MS = 600_000

/** What `serve --json` announces. */
export interface Listening {
  readonly event: 'listening'
  readonly domains: readonly string[]
  readonly listeners: readonly { readonly mode: 'starttls' | 'tls'; readonly host: string; readonly port: number }[]
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  /** Null without `--http-port`. */
  readonly httpPort: number | null
  readonly pid: number
}

export interface ServeProcessOptions {
  /** File descriptors that it may have open. */
  readonly descriptors?: number | 'unlimited'
  /** A file descriptor that takes what would be collected here. */
  readonly stderr?: number | 'pipe'
  /** Whether {@link ServeProcess.memory} is going to be asked. */
  readonly isWatched?: boolean
  /** Milliseconds after which it is ended if nobody has. */
  readonly lifetime?: number
}

/** Bytes of a process, after a collection of garbage. */
export interface Memory {
  /** What JavaScript holds, buffers included. */
  readonly held: number
  /** All that is resident. */
  readonly resident: number
}

/** A real `xmppki serve --json` process on ports of the system's choice. */
export class ServeProcess {
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''
  #wake: (() => void)[] = []

  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    { descriptors = 'unlimited', stderr = 'pipe', isWatched = false, lifetime = LIFETIME_MS }: ServeProcessOptions = {},
  ) {
    const probe = isWatched ? ['--expose-gc', '--require', MEMORY_PROBE] : []
    const command = [process.execPath, ...probe, BINARY, 'serve', '--port', '0', '--json', ...args]
    const [file = '', ...rest] =
      descriptors === 'unlimited' ? command : ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...command]
    this.#child = spawn(file, rest, {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', stderr],
      timeout: lifetime,
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#change()
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#change()
    })
    this.#child.once('close', () => this.#change())
  }

  get stderr(): string {
    return this.#stderr
  }

  /** The lines of standard output, parsed. */
  get events(): Record<string, unknown>[] {
    return this.#stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  /** Those that are complete. */
  get logLines(): Record<string, unknown>[] {
    return this.#stderr
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  }

  async listening(): Promise<Listening> {
    await this.until(() => this.#stdout.includes('\n'))
    return JSON.parse(this.#stdout.split('\n')[0] ?? '') as Listening
  }

  /** Waits for a line of the log with these members: it comes by another way than what clients see. */
  async logged(wanted: Readonly<Record<string, unknown>>): Promise<void> {
    const agrees = (line: Record<string, unknown>) =>
      Object.entries(wanted).every(([key, value]) => line[key] === value)
    await this.until(() => this.logLines.some(agrees))
  }

  /** What it holds now. */
  async memory(): Promise<Memory> {
    const answers = () => this.logLines.filter(({ msg }) => msg === 'memory')
    const before = answers().length
    this.#child.kill('SIGUSR2')
    await this.until(() => answers().length > before)
    const { heapUsed, external, rss } = answers().at(-1) as unknown as NodeJS.MemoryUsage
    return { held: heapUsed + external, resident: rss }
  }

  /** Waits until the condition holds; fails when the process ends first. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#hasEnded) throw new Error(`serve ended: ${this.#stdout}${this.#stderr}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** Sends a signal and waits for the end; answers the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.#hasEnded) {
      this.#child.kill(signal)
      await once(this.#child, 'close')
    }
    return this.#child.exitCode
  }

  /** Waits for a process that ends by itself; answers the exit code. */
  async ended(): Promise<number | null> {
    if (!this.#hasEnded) await once(this.#child, 'close')
    return this.#child.exitCode
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #change(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const go of waiting) go()
  }
}
