/** Ctrl-C asks a long run to end after what it has in hand; the second one ends it at once. */
export class InterruptHandler {
  readonly #controller = new AbortController()
  readonly #stop = () => {
    this.disarm()
    this.#controller.abort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** From now on, until {@link disarm} or the first Ctrl-C. */
  arm(): void {
    if (!this.signal.aborted && !process.listeners('SIGINT').includes(this.#stop)) process.on('SIGINT', this.#stop)
  }

  disarm(): void {
    process.off('SIGINT', this.#stop)
  }
}
