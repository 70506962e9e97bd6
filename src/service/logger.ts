import { pino } from 'pino'
import type { Log } from '../server/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A log whose least severity can be changed while it is in use. */
export interface LeveledLog extends Log {
  level: string
}

/** What waits for room on a full disk, in characters; what comes then is lost. */
const MAX_WAITING = 1_048_576

/** One JSON object a line on standard error: what a journal, a file or a log shipper takes as it is. */
export function createLog(level: LogLevel): LeveledLog {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: levelName },
  }
  const destination = pino.destination({ fd: 2, sync: true, maxLength: MAX_WAITING })
  // A full disk or a closed terminal must not end the server; the next line tries again.
  destination.on('error', () => undefined)
  return pino(options, destination)
}

function levelName(label: string): object {
  return { level: label }
}
