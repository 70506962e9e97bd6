import type { Guide, Span } from './guide.ts'

/** Columns of running text; what is to be copied is never broken. */
const WIDTH = 80

/** A guide for a terminal. Code stands at the margin, so that it can be copied as it is. */
export function guideText({ title, blocks }: Guide): string {
  let number = 0
  const parts = blocks.flatMap((block) => {
    if (block.kind === 'code') return [block.text]
    if (block.kind === 'paragraph') return [wrapped(block.spans, '', '')]
    number += 1
    const mark = `${number}. `
    return [wrapped(block.spans, mark, ' '.repeat(mark.length)), ...block.codes.map(({ text }) => text)]
  })
  return `${[title, ...parts].join('\n\n')}\n`
}

function wrapped(spans: readonly Span[], first: string, others: string): string {
  const lines: string[] = []
  let line = first
  let isEmpty = true
  for (const word of wordsOf(spans)) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = others
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line].join('\n')
}

/** Code keeps its blanks. */
function wordsOf(spans: readonly Span[]): string[] {
  const BLANK = '\u0000'
  const text = spans.map(({ text, isCode }) => (isCode ? text.replaceAll(' ', BLANK) : text)).join('')
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replaceAll(BLANK, ' '))
}
