import { LineProcess } from '../../../interop/line-process.ts'

/** One that is left behind ends by itself. */
const LIFETIME_SECONDS = 300

/** A screen that nobody sees, for programs with windows. */
export class VirtualScreen {
  readonly #server: LineProcess

  constructor() {
    const options = ['-displayfd', '1', '-nolisten', 'tcp', '-screen', '0', '1024x768x24']
    this.#server = new LineProcess('timeout', [String(LIFETIME_SECONDS), 'Xvfb', ...options])
  }

  /** What DISPLAY has to be: it finds a free number and says which. */
  async display(): Promise<string> {
    return `:${await this.#server.stdout.take((line) => /^\d+$/.test(line), 'the number of a display')}`
  }

  async end(): Promise<void> {
    await this.#server.stop('SIGTERM')
  }
}
