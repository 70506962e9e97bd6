import { type Listener, type ListenerOptions, listen, type Reception } from './listener.ts'

interface Open {
  readonly options: ListenerOptions
  readonly listener: Listener
}

/** What becomes of the listeners: each wish with the one that is there already, and those that nobody wishes for. */
interface Plan {
  readonly places: readonly { readonly options: ListenerOptions; readonly listener: Listener | undefined }[]
  readonly superfluous: readonly Open[]
}

/** The open listeners of a server. They can be exchanged while it runs; connections that are there stay. */
export class Listeners {
  readonly #reception: Reception
  #open: readonly Open[] = []

  constructor(reception: Reception) {
    this.#reception = reception
  }

  /** In the order of the options. */
  get ports(): readonly number[] {
    return this.#open.map(({ listener }) => listener.port)
  }

  /**
   * Opens, changes and closes listeners until they are as wanted; in case of an error they are as before.
   * @param then runs at the moment from which they are as wanted
   * @throws {XmppkiError} IO when an address cannot be had; what is wrong with keys and certificates
   */
  async become(wanted: readonly ListenerOptions[], then: () => void): Promise<void> {
    const { places, superfluous } = this.#plan(wanted)
    const changes = places.map(({ options, listener }) => listener?.prepare(options))
    // Closed before others open: an address of all interfaces may take the place of a single one, on the same port.
    for (const { listener } of superfluous) listener.close()
    const opened: Open[] = []
    try {
      const open: Open[] = []
      for (const { options, listener } of places) {
        const place = listener === undefined ? await this.#listen(options) : { options, listener }
        if (listener === undefined) opened.push(place)
        open.push(place)
      }
      for (const change of changes) change?.()
      this.#open = open
      then()
    } catch (error) {
      for (const { listener } of opened) listener.close()
      await this.#reopen(superfluous)
      throw error
    }
  }

  close(): void {
    for (const { listener } of this.#open) listener.close()
  }

  /** One address is one listener, whatever else is changed; of several with port 0 the first stays the first. */
  #plan(wanted: readonly ListenerOptions[]): Plan {
    const left = [...this.#open]
    const places = wanted.map((options) => {
      const at = left.findIndex((open) => open.options.host === options.host && open.options.port === options.port)
      const [found] = at < 0 ? [] : left.splice(at, 1)
      return { options, listener: found?.listener }
    })
    return { places, superfluous: left }
  }

  async #listen(options: ListenerOptions): Promise<Open> {
    return { options, listener: await listen(options, this.#reception) }
  }

  async #reopen(closed: readonly Open[]): Promise<void> {
    const again = new Map<Open, Open>()
    for (const open of closed) {
      // On the port that the system has chosen, for clients know it.
      const { listener } = await this.#listen({ ...open.options, port: open.listener.port })
      again.set(open, { options: open.options, listener })
    }
    this.#open = this.#open.map((open) => again.get(open) ?? open)
  }
}
