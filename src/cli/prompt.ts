import { emitKeypressEvents, type Key } from 'node:readline'
import { Readable } from 'node:stream'
import { XmppkiError } from '../errors.ts'

/** The parts of a terminal that a hidden question needs; `process.stdin` has them. */
export interface TerminalInput {
  readonly isTTY?: boolean
  setRawMode(on: boolean): unknown
  resume(): unknown
  pause(): unknown
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  off(event: 'data', listener: (chunk: Buffer) => void): unknown
  unshift(chunk: Buffer): unknown
}

interface Output {
  write(text: string): unknown
}

/** Control characters of a terminal in raw mode. */
const KEY = {
  interrupt: '\x03',
  end: '\x04',
  kill: '\x15',
} as const
const BACKSPACE = ['\b', '\x7f']
const ENTER = ['\r', '\n']

/** A control sequence without its final byte (ECMA-48 §5.4): node:readline only knows the end of those that keys send. */
const CUT_SEQUENCE = /\[[ -?]*$/
const FINAL_BYTE = /^[@-~]$/

/** What arrives between two questions, e.g. by pasting, stays in the input for the next one. */
type Step = 'more' | 'done' | 'interrupt' | 'end'

/**
 * The line that is being typed. Not an interface of node:readline: that has a cursor and a history, which nobody sees here,
 * takes no Enter after Escape, and no Ctrl-D at the end of a line.
 */
class HiddenLine {
  readonly #characters: string[] = []
  #inSequence = false

  get text(): string {
    return this.#characters.join('')
  }

  /** @param typed what the key types, if anything @param sequence what the terminal has sent for it */
  press(typed: string | undefined, sequence: string): Step {
    const last = sequence.at(-1) ?? ''
    // A control character is a key of its own: who has pressed Escape can still press Enter, or Ctrl-C.
    if (last < ' ') return this.#control(last)
    if (this.#inSequence) this.#inSequence = !FINAL_BYTE.test(last)
    else if (typed !== undefined) this.#edit(typed)
    else this.#inSequence = CUT_SEQUENCE.test(sequence)
    return 'more'
  }

  #control(character: string): Step {
    this.#inSequence = false
    if (ENTER.includes(character)) return 'done'
    if (character === KEY.interrupt) return 'interrupt'
    if (character === KEY.end) return this.#characters.length === 0 ? 'end' : 'done'
    this.#edit(character)
    return 'more'
  }

  #edit(character: string): void {
    if (BACKSPACE.includes(character)) this.#characters.pop()
    else if (character === KEY.kill) this.#characters.length = 0
    else if (character >= ' ') this.#characters.push(character)
  }
}

/**
 * Asks a question on the terminal and reads the answer without showing it.
 * Ctrl-C ends the process by SIGINT, as it would outside raw mode.
 * @throws {XmppkiError} PASSPHRASE when the input ends (Ctrl-D) instead of an answer
 */
export async function askHidden(question: string, input: TerminalInput, output: Output): Promise<string> {
  // Raw mode first: what is typed as soon as the question stands there must not be echoed.
  input.setRawMode(true)
  try {
    output.write(question)
    return await readHiddenLine(input)
  } finally {
    input.setRawMode(false)
    input.pause()
    output.write('\n')
  }
}

async function readHiddenLine(input: TerminalInput): Promise<string> {
  const line = new HiddenLine()
  const step = await untilDone(input, line)
  if (step === 'done') return line.text
  throw step === 'interrupt' ? interrupted() : new XmppkiError('PASSPHRASE', 'no passphrase was typed')
}

/** Presses the keys of the input on the line until that is done; what comes after it stays in the input. */
function untilDone(input: TerminalInput, line: HiddenLine): Promise<Step> {
  return new Promise((resolve) => {
    // A stream of its own: node:readline never leaves one whose keys it has read.
    const keys = new Readable({ read: () => undefined })
    emitKeypressEvents(keys)
    let step: Step = 'more'
    let rest = ''
    keys.on('keypress', (typed: string | undefined, { sequence = '' }: Key) => {
      if (step === 'more') step = line.press(typed, sequence)
      else rest += sequence
    })
    const onData = (chunk: Buffer) => {
      keys.emit('data', chunk)
      if (step === 'more') return
      input.off('data', onData)
      if (rest !== '') input.unshift(Buffer.from(rest))
      resolve(step)
    }
    input.on('data', onData)
    input.resume()
  })
}

/** Thrown by {@link askHidden} after Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

function interrupted(): Interrupted {
  return new Interrupted('interrupted')
}
