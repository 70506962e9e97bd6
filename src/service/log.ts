import { pino } from 'pino'
import type { Log } from '../server/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A log whose least severity can be changed while it is in use. */
export interface LeveledLog extends Log {
  level: string
}

/** One JSON object a line on standard error: what a journal, a file or a log shipper takes as it is. */
export function createLog(level: LogLevel): LeveledLog {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: levelName },
  }
  return pino(options, pino.destination({ fd: 2, sync: true }))
}

function levelName(label: string): object {
  return { level: label }
}
