import type { BuildOptions } from 'esbuild'

export const WORKERS: Readonly<Record<string, string>>
export const COMMON: BuildOptions
