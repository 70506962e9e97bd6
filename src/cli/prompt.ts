import { StringDecoder } from 'node:string_decoder'
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
  escape: '\x1b',
} as const
const BACKSPACE = ['\b', '\x7f']
const ENTER = ['\r', '\n']

/** What arrives between two questions, e.g. by pasting, stays in the input for the next one. */
type Step = 'more' | 'done' | 'interrupt' | 'end'

/** The line that is being typed. */
class HiddenLine {
  readonly #characters: string[] = []
  /** Whether what comes belongs to a key that sends several characters, none of which was typed. */
  #inside: 'nothing' | 'escape' | 'sequence' = 'nothing'

  get text(): string {
    return this.#characters.join('')
  }

  type(character: string): Step {
    // A control character is a key of its own: who has pressed Escape can still press Enter, or Ctrl-C.
    if (character >= ' ' && this.#inside !== 'nothing') {
      this.#skip(character)
      return 'more'
    }
    this.#inside = 'nothing'
    if (ENTER.includes(character)) return 'done'
    if (character === KEY.interrupt) return 'interrupt'
    if (character === KEY.end) return this.#characters.length === 0 ? 'end' : 'done'
    this.#edit(character)
    return 'more'
  }

  /** Arrow and function keys send `ESC [ … letter` or `ESC O letter`, Alt with a key sends ESC and the key. */
  #skip(character: string): void {
    const begins = this.#inside === 'escape' && (character === '[' || character === 'O')
    const goesOn = this.#inside === 'sequence' && !/[A-Za-z~]/.test(character)
    this.#inside = begins || goesOn ? 'sequence' : 'nothing'
  }

  #edit(character: string): void {
    if (BACKSPACE.includes(character)) this.#characters.pop()
    else if (character === KEY.kill) this.#characters.length = 0
    else if (character === KEY.escape) this.#inside = 'escape'
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

function readHiddenLine(input: TerminalInput): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    const line = new HiddenLine()
    const finish = (step: Step) => {
      input.off('data', onData)
      if (step === 'done') resolve(line.text)
      else reject(step === 'interrupt' ? interrupted() : new XmppkiError('PASSPHRASE', 'no passphrase was typed'))
    }
    const onData = (chunk: Buffer) => {
      const characters = Array.from(decoder.write(chunk))
      for (const [index, character] of characters.entries()) {
        const step = line.type(character)
        if (step === 'more') continue
        finish(step)
        const rest = characters.slice(index + 1).join('')
        if (rest !== '') input.unshift(Buffer.from(rest))
        return
      }
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
