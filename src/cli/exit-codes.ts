import { type ErrorCode, EXIT_CODES } from '../errors.ts'

/** What an exit code means for one command, by the error that leads to it; DONE is success. */
type Meanings = Partial<Record<ErrorCode | 'DONE', string>>

/** These can happen to every command. */
const COMMON: Meanings = {
  DONE: 'done',
  USAGE: 'wrong flag, argument, name or input',
  IO: 'the operating system refused',
}

/** The last paragraph of a command's description: its exit codes, those that every command has included. */
export function exitCodes(own: Meanings): string {
  const codes = new Map<number, string>()
  for (const [name, meaning] of Object.entries({ ...COMMON, ...own })) codes.set(exitCodeOf(name), meaning)
  const sorted = [...codes].sort(([a], [b]) => a - b)
  return `Exit codes: ${sorted.map(([code, meaning]) => `${code} ${meaning}`).join(', ')}.`
}

function exitCodeOf(name: string): number {
  return name === 'DONE' ? 0 : EXIT_CODES[name as ErrorCode]
}
