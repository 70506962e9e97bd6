import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchor } from '../../bin/docs/markdown.ts'
import { documents, documentText, ROOT } from '../support/documents/documents.ts'

interface Link {
  readonly from: string
  readonly to: string
}

/** Without code, in which brackets mean other things, and without comments. */
function prose(path: string): string {
  return documentText(path)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '')
}

function linksIn(path: string): Link[] {
  return [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, to = '']) => ({ from: path, to }))
    .filter(({ to }) => !/^https?:/.test(to))
}

/** As GitHub numbers headings that are alike. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of prose(path).matchAll(/^#+ (.+)$/gm)) {
    const plain = anchor(heading.replace(/`/g, ''))
    let name = plain
    for (let number = 1; anchors.has(name); number++) name = `${plain}-${number}`
    anchors.add(name)
  }
  return anchors
}

/** Why a link leads nowhere. */
function fault({ from, to }: Link): string | undefined {
  const [file = '', fragment] = to.split('#')
  const target = file === '' ? from : normalize(join(dirname(from), file))
  if (!existsSync(join(ROOT, target))) return `${from}: there is no ${target}`
  if (fragment === undefined || !target.endsWith('.md') || anchorsOf(target).has(fragment)) return undefined
  return `${from}: ${target} has no #${fragment}`
}

const pages = documents()

describe('the links of the manual', () => {
  it.each(pages)('lead somewhere: %s', (path) => {
    expect(linksIn(path).flatMap((link) => fault(link) ?? [])).toEqual([])
  })

  it('reach every page from the README', () => {
    const reached = new Set<string>()
    const visit = (path: string): void => {
      if (reached.has(path) || !path.endsWith('.md')) return
      reached.add(path)
      for (const { to } of linksIn(path)) visit(normalize(join(dirname(path), to.split('#')[0] || '.')))
    }
    visit('README.md')
    expect(pages.filter((path) => !reached.has(path))).toEqual([])
  })
})
