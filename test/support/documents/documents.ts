import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A marked block of a document: a fenced block or a table, with what its mark says. */
export interface MarkedBlock {
  readonly mark: string
  readonly lines: readonly string[]
}

/** A command of a console block, and what it must print. */
export interface ConsoleStep {
  readonly command: string
  readonly output: readonly string[]
}

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** The README and all pages of the manual, relative to the root. */
export function documents(): string[] {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  const manual = pages.filter((name) => name.endsWith('.md')).sort()
  return ['README.md', ...manual.map((name) => `docs/${name}`)]
}

/** @param path relative to the root */
export function documentText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Every block that stands under `<!-- test: … -->`, in order. */
export function markedBlocks(text: string): MarkedBlock[] {
  const pattern = /<!-- test: ([^>\n]+) -->\n(?:```\w+\n([\s\S]*?)\n```|((?:\|.*\n)+))/g
  return [...text.matchAll(pattern)].map(([, mark = '', fenced, table]) => ({
    mark,
    lines: (fenced ?? table ?? '').replace(/\n$/, '').split('\n'),
  }))
}

/** What has been done before the first console block of a document: the lines of `<!-- test: before … -->`. */
export function preparations(text: string): string[] {
  const [, lines = ''] = /<!-- test: before\n([\s\S]*?)\n-->/.exec(text) ?? []
  return lines === '' ? [] : lines.split('\n')
}

/** The rows of a table, without its head, as cells. */
export function tableRows({ lines }: MarkedBlock): string[][] {
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The `$ command` lines of a console block, each with its output. */
export function consoleSteps({ lines }: MarkedBlock): ConsoleStep[] {
  const steps: { command: string; output: string[] }[] = []
  for (const line of lines) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: [] })
    else steps.at(-1)?.output.push(line)
  }
  return steps
}

/** Replaces what differs from run to run: times, ports, dates, resources, generated passwords, sizes, who and where. */
export function normalise(text: string, home: string): string {
  return text
    .replaceAll(home, '~')
    .replace(/\d+(\.\d+)? ms/g, 'N ms')
    .replace(/in \d+(\.\d)? (s|min)$/gm, 'in N s')
    .replace(/\d+ (bytes|entries)\b/g, 'N $1')
    .replace(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, 'DATE')
    .replace(/\bWHO +/g, 'WHO  ')
    .replace(/^(DATE {2})\S+@\S+ +/gm, '$1WHO@HOST  ')
    .replace(/\b[0-9a-f]{64}\b/g, 'SHA256')
    .replace(/\b[0-9a-f]{32}\b/g, 'SERIAL')
    .replace(/~[0-9a-f]{12}\b/g, '~SERIAL')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replace(/(@[a-z.]+)\/[A-Za-z0-9_-]{12}(?![A-Za-z0-9_-])/g, '$1/RESOURCE')
    .replace(/^( {2}password +)[a-z0-9]{20} /gm, '$1PASSWORD ')
    .replace(/\/[a-zA-Z0-9_-]{12} to /g, '/RESOURCE to ')
}
