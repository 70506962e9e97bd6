import { Worker } from 'node:worker_threads'
import { type ErrorCode, XmppkiError } from '../../errors.ts'
import type { UserDataChange } from './user-data-writes.ts'
import { workerFile } from './worker-file.ts'

/** What the thread is told: a change, or that there will be none any more. */
export type WriterOrder = { readonly number: number; readonly change: UserDataChange } | 'end'

interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | undefined
}

/** What the thread says to the order of this number. */
export type WriterAnswer =
  | { readonly number: number; readonly value: number }
  | { readonly number: number; readonly failure: Failure }

interface Waiting {
  resolve(value: number): void
  reject(reason: unknown): void
}

/** A thread that changes the file of user data, one change after the other. A thread that has ended is replaced. */
export class WriterThread {
  readonly #path: string
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #orders = 0
  #isOpen = true

  constructor(path: string) {
    this.#path = path
    // At once: when it is needed another version may have been installed.
    this.#worker = this.#start()
  }

  /** Resolves when the change is durable, with its value. @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO */
  async apply(change: UserDataChange): Promise<number> {
    if (!this.#isOpen) throw new XmppkiError('UNAVAILABLE', `${this.#path} has been closed`)
    this.#worker ??= this.#start()
    const worker = this.#worker
    const number = this.#orders++
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject })
      worker.ref()
      worker.postMessage({ number, change } satisfies WriterOrder)
    })
  }

  /** Waits for the changes that it has been told. */
  async close(): Promise<void> {
    this.#isOpen = false
    const worker = this.#worker
    if (worker === undefined) return
    worker.ref()
    worker.postMessage('end' satisfies WriterOrder)
    await new Promise((resolve) => worker.once('exit', resolve))
  }

  #start(): Worker {
    const worker = new Worker(workerFile('user-data-writer'), { workerData: this.#path })
    // It alone does not keep the process from ending.
    worker.unref()
    worker.on('message', (answer: WriterAnswer) => this.#settle(answer))
    let reason: unknown
    worker.on('error', (error) => {
      reason = error
    })
    worker.on('exit', () => this.#ended(reason))
    return worker
  }

  #settle(answer: WriterAnswer): void {
    const waiting = this.#waiting.get(answer.number)
    this.#waiting.delete(answer.number)
    if (this.#waiting.size === 0 && this.#isOpen) this.#worker?.unref()
    if ('value' in answer) waiting?.resolve(answer.value)
    else waiting?.reject(fromFailure(answer.failure))
  }

  #ended(reason: unknown): void {
    this.#worker = undefined
    const error = new XmppkiError('INTERNAL', `the thread that writes ${this.#path} has ended`, { cause: reason })
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function fromFailure({ code, message, hint }: Failure): XmppkiError {
  return new XmppkiError(code, message, hint === undefined ? {} : { hint })
}
