import type { Problem } from './origin.ts'

/** A problem whose place in the file is still to be found. */
export type Finding = Omit<Problem, 'origin'>

/** How the tables of an array are called in key paths. */
export type TableName = (array: 'host_config' | 'listen.c2s', index: number) => string

export function error(key: string, message: string, fix: string): Finding {
  return { severity: 'error', key, message, fix }
}

export function warning(key: string, message: string, fix: string): Finding {
  return { severity: 'warning', key, message, fix }
}
