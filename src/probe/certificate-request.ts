import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** Flights of real servers have a few thousand octets; a longer one is not looked at to its end. */
const MAX_FLIGHT = 1_048_576

/** RFC 5246 §6.2.1, §7.4 */
const HANDSHAKE_RECORD = 22
const CERTIFICATE_REQUEST = 13

/** Passes octets on and keeps the first that arrived: the part of a TLS 1.2 handshake that is in the clear. */
export class Tap extends Duplex {
  readonly #socket: Socket
  #seen: Buffer[] = []
  #length = 0

  constructor(socket: Socket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#keep(chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
    socket.on('error', (error) => this.destroy(error))
  }

  get seen(): Buffer {
    return Buffer.concat(this.#seen)
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #keep(chunk: Buffer): void {
    if (this.#length >= MAX_FLIGHT) return
    this.#seen.push(chunk)
    this.#length += chunk.length
  }
}

/** The handshake messages at the beginning of a flight, as far as they are in the clear and complete. */
function handshakeOctets(flight: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at + 5 <= flight.length && flight[at] === HANDSHAKE_RECORD; ) {
    const length = flight.readUInt16BE(at + 3)
    parts.push(flight.subarray(at + 5, at + 5 + length))
    at += 5 + length
  }
  return Buffer.concat(parts)
}

/** The list behind an octet count of `width` octets; undefined when it is cut off. */
function vector(octets: Buffer, at: number, width: 1 | 2): Buffer | undefined {
  if (at + width > octets.length) return undefined
  const start = at + width
  const end = start + octets.readUIntBE(at, width)
  return end <= octets.length ? octets.subarray(start, end) : undefined
}

/** RFC 5246 §7.4.4: certificate types, signature algorithms, names. */
function namesIn(request: Buffer): Uint8Array[] | undefined {
  const types = vector(request, 0, 1)
  const algorithms = types && vector(request, 1 + types.length, 2)
  const list = types && algorithms && vector(request, 3 + types.length + algorithms.length, 2)
  if (list === undefined) return undefined
  const names: Uint8Array[] = []
  for (let at = 0; at < list.length; ) {
    const name = vector(list, at, 2)
    if (name === undefined) return undefined
    names.push(name)
    at += 2 + name.length
  }
  return names
}

/**
 * Which CAs a server names in the CertificateRequest of a TLS 1.2 handshake: DER of their names, none for "any".
 * Undefined when there is no such message, or it cannot be read; TLS 1.3 encrypts it.
 */
export function acceptableAuthorities(flight: Buffer): Uint8Array[] | undefined {
  const octets = handshakeOctets(flight)
  for (let at = 0; at + 4 <= octets.length; ) {
    const length = octets.readUIntBE(at + 1, 3)
    if (octets[at] === CERTIFICATE_REQUEST) return namesIn(octets.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return undefined
}
