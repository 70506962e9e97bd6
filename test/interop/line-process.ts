import { type ChildProcess, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Longer than any answer takes on a busy machine, shorter than the time limit of a test. */
const WAIT_MS = 60_000

/** The lines that a process has written and nobody has asked for. */
class Lines {
  readonly #all: string[] = []
  readonly #untaken: string[] = []
  #open = true
  #wake: (() => void)[] = []

  constructor(stream: Readable) {
    const reader = createInterface({ input: stream })
    reader.on('line', (line) => {
      this.#all.push(line)
      this.#untaken.push(line)
      this.#notify()
    })
    reader.on('close', () => {
      this.#open = false
      this.#notify()
    })
  }

  get text(): string {
    return this.#all.join('\n')
  }

  /** Takes the first line that matches, now or when it comes; throws when there will be none. */
  async take(matches: (line: string) => boolean, what: string): Promise<string> {
    const deadline = Date.now() + WAIT_MS
    for (;;) {
      const index = this.#untaken.findIndex(matches)
      if (index >= 0) return this.#untaken.splice(index, 1)[0] ?? ''
      if (!this.#open) throw new Error(`the process ended without ${what}; it wrote:\n${this.text}`)
      if (!(await this.#change(deadline))) throw new Error(`no ${what} in time; so far:\n${this.text}`)
    }
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  #change(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), deadline - Date.now())
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

type Json = Readonly<Record<string, unknown>>

function parse(line: string): Json {
  return line.startsWith('{') ? (JSON.parse(line) as Json) : {}
}

const agrees = (json: Json, wanted: Json) => Object.entries(wanted).every(([key, value]) => json[key] === value)

/** A process that tells what happens in lines, most of them JSON objects. */
export class LineProcess {
  readonly stdout: Lines
  readonly stderr: Lines
  /** Resolves when it has ended and all its output has arrived. */
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess

  constructor(command: string, args: readonly string[], options: SpawnOptionsWithoutStdio = {}) {
    const child = spawn(command, args, options)
    this.#child = child
    this.stdout = new Lines(child.stdout)
    this.stderr = new Lines(child.stderr)
    child.stdin.on('error', () => undefined)
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ code, signal }))
    })
  }

  /** The next JSON object of a stream that has these members. */
  async take(stream: 'stdout' | 'stderr', wanted: Json): Promise<Json> {
    return parse(await this[stream].take((line) => agrees(parse(line), wanted), JSON.stringify(wanted)))
  }

  write(message: Json): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  /** Ends its standard input and waits until it has ended by itself. */
  finish(): Promise<Ending> {
    this.#child.stdin?.end()
    return this.#endedSoon()
  }

  stop(signal: NodeJS.Signals): Promise<Ending> {
    this.#child.kill(signal)
    return this.#endedSoon()
  }

  /** A process that does not end is killed, and shows it in its signal. */
  async #endedSoon(): Promise<Ending> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), WAIT_MS)
    const ending = await this.ended
    clearTimeout(timer)
    return ending
  }
}
