import type { Transport } from '../net/transport.ts'
import type { Lane } from '../routing/lane.ts'

/** What one client may send in the long run; what goes beyond it is read later, never refused. */
export interface InboundLimits {
  readonly octetsPerSecond: number
  readonly stanzasPerSecond: number
  /** Seconds for which a client that was quiet may send at once what it may send in them. */
  readonly burstSeconds: number
}

/** Stanzas, and octets, that may wait for one before them before their client is not read any more. */
const MOST_WAITING = 64
const MOST_WAITING_OCTETS = 256 * 1024

/** When a client is not read: it sends more than it may, or faster than what it sends can be processed. */
export class ReadingGate {
  readonly #transport: Pick<Transport, 'pause' | 'resume'>
  readonly #limits: InboundLimits
  /** Milliseconds at which everything that has come will have been allowed for. */
  #octetsDue = 0
  #stanzasDue = 0
  #stanzas = 0
  /** Octets that have come since the lane was last idle. */
  #unprocessed = 0
  #isShut = false

  constructor(transport: Pick<Transport, 'pause' | 'resume'>, limits: InboundLimits) {
    this.#transport = transport
    this.#limits = limits
  }

  /** A stanza has been read. */
  count(): void {
    this.#stanzas++
  }

  /** So many octets have been read, and their stanzas are in the lane. */
  passed(octets: number, lane: Lane): void {
    const wait = this.#spend(octets, performance.now())
    this.#unprocessed = lane.isBusy ? this.#unprocessed + octets : 0
    const isBehind = lane.waiting > MOST_WAITING || this.#unprocessed > MOST_WAITING_OCTETS
    if (this.#isShut || (wait <= 0 && !isBehind)) return
    this.#isShut = true
    this.#transport.pause()
    const open = () => {
      this.#unprocessed = 0
      this.#isShut = false
      this.#transport.resume()
    }
    if (wait <= 0) lane.whenIdle(open)
    else setTimeout(() => lane.whenIdle(open), wait).unref()
  }

  /** @returns milliseconds until more may come; not above 0 when it may at once */
  #spend(octets: number, now: number): number {
    const { octetsPerSecond, stanzasPerSecond, burstSeconds } = this.#limits
    this.#octetsDue = Math.max(now, this.#octetsDue) + (octets * 1_000) / octetsPerSecond
    this.#stanzasDue = Math.max(now, this.#stanzasDue) + (this.#stanzas * 1_000) / stanzasPerSecond
    this.#stanzas = 0
    return Math.max(this.#octetsDue, this.#stanzasDue) - now - burstSeconds * 1_000
  }
}
