import { describe, expect, it } from 'vitest'
import { parseGuide, settingsOf } from '../../src/render/guide.ts'
import { guideHtml } from '../../src/render/guide-html.ts'
import { guideMarkdown } from '../../src/render/guide-markdown.ts'
import { guideText } from '../../src/render/guide-text.ts'

const TEMPLATE = `# Example

First \`words\` about {{name}},
in two lines.

1. Do this:

\`\`\`python run.py
?port connect({{name}}, {{port}})
!port connect({{name}})
\`\`\`

?port ?name 1. Left out without a port.

1. And that.
`

const parse = (values: Parameters<typeof parseGuide>[1], template = TEMPLATE) => parseGuide(template, values, 't')

describe('parseGuide', () => {
  it('reads title, paragraphs, and steps with their code', () => {
    expect(parse({ name: 'a"b', port: 5222 })).toEqual({
      title: 'Example',
      blocks: [
        {
          kind: 'paragraph',
          spans: [
            { text: 'First ', isCode: false },
            { text: 'words', isCode: true },
            { text: ' about ', isCode: false },
            { text: 'a"b', isCode: true },
            { text: ', in two lines.', isCode: false },
          ],
        },
        {
          kind: 'step',
          spans: [{ text: 'Do this:', isCode: false }],
          codes: [{ kind: 'code', language: 'python', file: 'run.py', text: 'connect("a\\"b", 5222)' }],
        },
        { kind: 'step', spans: [{ text: 'Left out without a port.', isCode: false }], codes: [] },
        { kind: 'step', spans: [{ text: 'And that.', isCode: false }], codes: [] },
      ],
    })
  })

  it('keeps the lines whose condition holds', () => {
    const guide = parse({ name: 'a', port: undefined })
    expect(settingsOf(guide)).toBe('connect("a")\n')
    expect(guide.blocks).toHaveLength(3)
  })

  it('puts values in as they are: one that looks like a placeholder stays', () => {
    expect(settingsOf(parse({ name: '{{port}} $& `', port: 1 }))).toBe('connect("{{port}} $& `", 1)\n')
  })

  it.each([
    ['a placeholder that nobody provides', '# A\n\n{{b}}', {}, 'nobody provides: b'],
    ['one that every object has', '# A\n\n{{constructor}}', {}, 'nobody provides: constructor'],
    ['a condition that nobody provides', '# A\n\n?b x', {}, 'nobody provides: b'],
    ['a value that is not there', '# A\n\n{{b}}', { b: undefined }, 'takes b for granted'],
    ['a value within code of running text', '# A\n\n`rm {{b}}`', { b: 'x' }, 'has a value within `rm {{b}}`'],
    ['no title', 'A', {}, 'does not begin with a title'],
  ])('refuses %s', (_, template, values, message) => {
    expect(() => parse(values, template)).toThrow(message)
  })

  it('refuses control characters in running text too', () => {
    expect(() => parse({ b: 'x\ny' }, '# A\n\n{{b}}')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })

  it('has settings only where a file is named', () => {
    expect(settingsOf(parse({}, '# A\n\n```sh\nls\n```'))).toBeUndefined()
  })
})

describe('a guide with hostile values', () => {
  const evil = '<script>alert(1)</script>&"\'```'
  const guide = parse({ name: evil, port: undefined })

  it('is escaped in HTML', () => {
    const html = guideHtml(guide)
    expect(html).not.toContain('<script')
    expect(html).toContain('<code>&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;```</code>')
  })

  it('cannot leave its code in Markdown', () => {
    const markdown = guideMarkdown(guide)
    expect(markdown).toContain(`\`\`\`\` ${evil} \`\`\`\``)
    expect(markdown).toMatch(/^ {3}````python\n {3}connect\(.*```"\)\n {3}````$/m)
  })
})

describe('a guide as text', () => {
  it('is wrapped between words, never within code', () => {
    const long = `/a b/${'x'.repeat(90)}`
    const text = guideText(
      parse({ long }, '# A\n\nOne two {{long}} three, and so on until the line is at its very end, here.'),
    )
    expect(text).toBe(`A\n\nOne two\n${long}\nthree, and so on until the line is at its very end, here.\n`)
  })

  it('numbers the steps that are left, and begins code at the margin', () => {
    const text = guideText(parse({ name: 'a', port: undefined }))
    expect(text).toMatch(/^1\. Do this:\n\nconnect\("a"\)\n\n2\. And that\.$/m)
  })
})
