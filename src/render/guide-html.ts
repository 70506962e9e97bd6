import type { Code, Guide, Paragraph, Span, Step } from './guide.ts'
import { escapeHtml } from './html.ts'

/** A guide as one `<section>` of HTML. */
export function guideHtml({ title, blocks }: Guide): string {
  const parts: string[] = []
  let steps: Step[] = []
  const endSteps = () => {
    if (steps.length > 0) parts.push(`<ol>\n${steps.map(stepHtml).join('\n')}\n</ol>`)
    steps = []
  }
  for (const block of blocks) {
    if (block.kind === 'step') {
      steps.push(block)
      continue
    }
    endSteps()
    parts.push(block.kind === 'code' ? codeHtml(block) : paragraphHtml(block))
  }
  endSteps()
  return `<section>\n<h2>${escapeHtml(title)}</h2>\n${parts.join('\n')}\n</section>`
}

function stepHtml({ spans, codes }: Step): string {
  return `<li>${inline(spans)}${codes.map(codeHtml).join('')}</li>`
}

function paragraphHtml({ spans }: Paragraph): string {
  return `<p>${inline(spans)}</p>`
}

function codeHtml({ text }: Code): string {
  return `<pre>${escapeHtml(text)}</pre>`
}

function inline(spans: readonly Span[]): string {
  return spans.map(({ text, isCode }) => (isCode ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text))).join('')
}
