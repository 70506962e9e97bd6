import type { Code, Guide, Span } from './guide.ts'

/** A guide as Markdown (CommonMark). */
export function guideMarkdown({ title, blocks }: Guide): string {
  let number = 0
  const parts = blocks.map((block) => {
    if (block.kind === 'code') return fenced(block)
    if (block.kind === 'paragraph') return inline(block.spans)
    number += 1
    const mark = `${number}. `
    const text = [inline(block.spans), ...block.codes.map(fenced)].join('\n\n')
    // What belongs to an item stands below its text.
    return mark + text.replaceAll(/\n(?!\n|$)/g, `\n${' '.repeat(mark.length)}`)
  })
  return `${[`# ${title}`, ...parts].join('\n\n')}\n`
}

function inline(spans: readonly Span[]): string {
  return spans.map(({ text, isCode }) => (isCode ? codeSpan(text) : text)).join('')
}

/** One backtick more than it has itself (CommonMark §6.1). */
function codeSpan(text: string): string {
  const ticks = '`'.repeat(longestRun(text) + 1)
  const margin = text.startsWith('`') || text.endsWith('`') ? ' ' : ''
  return `${ticks}${margin}${text}${margin}${ticks}`
}

function fenced({ language, text }: Code): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return `${fence}${language}\n${text}\n${fence}`
}

/** How many backticks stand in a row at most. */
function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length))
}
