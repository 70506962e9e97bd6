import { statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { XmppkiError } from '../../errors.ts'
import type { Log } from '../../server/log.ts'
import type { LedgerWatch } from '../../store/ledger-watch.ts'
import { FolderWatch } from './folder-watch.ts'

/** After so many turns of the watch the files are looked at, for file systems that tell nothing, e.g. over a network. */
const TURNS_BETWEEN_LOOKS = 20

/** Files that belong together are seldom replaced at once: they must have stayed the same for so long. */
const SETTLE_MS = 100

/** Whoever goes on writing for longer is not waited for. */
const MAX_SETTLES = 10

export interface ReloaderOptions {
  /**
   * The files that the state of the server comes from; absolute paths, also of files that are missing. Another list is
   * another state, also where it names the same files more often.
   */
  readonly files: () => readonly string[]
  /** New server certificates and CAs come with a commit. */
  readonly watch: LedgerWatch
  /** Takes up everything anew; when it throws, everything must be as it was. */
  readonly reload: () => Promise<void>
  readonly log: Log
}

/** Reloads when one of the files has changed, or when it is told to. */
export class Reloader {
  readonly #options: ReloaderOptions
  readonly #watch = new FolderWatch(() => this.#look())
  /** From the start to the end. */
  #stopWatching: (() => void) | undefined
  #turns = 0
  #commits: number | undefined
  /** What the files were like when they were read last. */
  #version: string | undefined
  #work: Promise<void> | undefined
  /** What is to be done when the work under way has ended. */
  #next: 'look' | 'reload' | undefined

  constructor(options: ReloaderOptions) {
    this.#options = options
  }

  /** Remembers what the files are like: to be called before they are read for the first time, so that no change is missed. */
  mark(): void {
    this.#version = this.#versionNow()
  }

  /** From now on changes are taken up. */
  start(): void {
    this.#stopWatching = this.#options.watch.watch((changes) => this.#turn(changes))
  }

  /** Reloads now, whether or not anything has changed. Never throws: what fails is logged. */
  reload(): Promise<void> {
    return this.#begin('reload')
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#watch.close()
    this.#next = undefined
    await this.#work
  }

  #turn(changes: () => number): void {
    this.#turns += 1
    if (this.#hasCommits(changes) || this.#turns % TURNS_BETWEEN_LOOKS === 0) this.#look()
  }

  /** An error shows when the files are looked at. */
  #hasCommits(changes: () => number): boolean {
    const before = this.#commits
    try {
      this.#commits = changes()
    } catch {
      this.#commits = undefined
    }
    return this.#commits !== before
  }

  #look(): void {
    void this.#begin('look')
  }

  #begin(what: 'look' | 'reload'): Promise<void> {
    if (this.#stopWatching === undefined) return Promise.resolve()
    if (this.#work !== undefined) {
      // What is under way may have read already what has changed just now.
      if (this.#next !== 'reload') this.#next = what
      return this.#work.then(() => (what === 'reload' ? this.#work : undefined))
    }
    this.#work = this.#run(what).finally(() => {
      this.#work = undefined
      const next = this.#next
      this.#next = undefined
      if (next !== undefined) void this.#begin(next)
    })
    return this.#work
  }

  async #run(what: 'look' | 'reload'): Promise<void> {
    if (what === 'look' && this.#versionNow() === this.#version) return
    const version = await this.#settled()
    if (what === 'look' && version === this.#version) return
    this.#version = version
    const { reload, log } = this.#options
    try {
      await reload()
      log.info({}, 'reloaded')
    } catch (error) {
      const hint = error instanceof XmppkiError ? error.hint : undefined
      const reason = error instanceof Error ? error.message : String(error)
      log.error({ error: reason, hint }, 'reload failed; everything stays as it was')
    }
  }

  /** What the files are like once they have stayed the same for a moment. */
  async #settled(): Promise<string> {
    let version = this.#versionNow()
    for (let round = 0; round < MAX_SETTLES; round++) {
      await wait(SETTLE_MS)
      const now = this.#versionNow()
      if (now === version) break
      version = now
    }
    return version
  }

  #versionNow(): string {
    try {
      const files = this.#options.files()
      this.#watch.follow(files)
      return files.map(versionOf).join('\n')
    } catch (error) {
      // Another state like any other: reading it anew says what is wrong.
      return String(error)
    }
  }
}

function versionOf(path: string): string {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    return `${path} ${found?.ino} ${found?.mtimeNs} ${found?.ctimeNs} ${found?.size}`
  } catch (error) {
    return `${path} ${String(error)}`
  }
}
