import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentText } from '../support/documents/documents.ts'
import { CliHome } from '../support/processes/cli.ts'

const page = documentText('docs/reference/json.md')
const home = new CliHome()

beforeAll(async () => {
  const { code, stderr } = await home.run(['ca', 'init', '--no-passphrase', '--domain', 'example.org'])
  expect(code, stderr).toBe(0)
})
afterAll(() => home.remove())

/** The last block under the heading of a command, or under that of errors. */
function shapeUnder(heading: string): string {
  const [, section = ''] = page.split(`\n${heading}\n`)
  return (
    section
      .split('\n#')[0]
      ?.match(/```ts\n([\s\S]*?)\n```/g)
      ?.at(-1) ?? ''
  )
}

/** Keys of all objects in a document. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)])
}

/** A document has what its shape promises, and no key that the shape does not know. */
function expectToFit(document: unknown, shape: string): void {
  expect(document).toBeTypeOf('object')
  const promised = [...shape.matchAll(/^ {2}(\w+):/gm)].map(([, key]) => key)
  expect(promised.length).toBeGreaterThan(0)
  expect(Object.keys(document as object)).toEqual(expect.arrayContaining(promised))
  const known = [...shape.matchAll(/^ +(\w+)\??:/gm)].map(([, key]) => key)
  expect(known).toEqual(expect.arrayContaining(keysOf(document)))
}

describe('what is printed fits the reference', () => {
  it.each([
    [['client', 'issue'], ['alice']],
    [['client', 'list'], []],
    [['client', 'show'], ['alice']],
    [['client', 'revoke'], ['alice']],
    [['server', 'issue'], ['example.org']],
    [['ca', 'url'], []],
    [['ca', 'crl'], []],
    [['cert', 'verify'], ['home/server/example.org/chain.crt']],
    [['cert', 'inspect'], ['home/server/example.org/chain.crt']],
    [['user', 'list'], []],
  ])('%j', async (words, args) => {
    const { stdout, stderr } = await home.run([...words, ...args, '--json'])
    const document = JSON.parse(stdout)
    expect(document, stderr).not.toHaveProperty('error')
    expectToFit(document, shapeUnder(`### xmppki ${words.join(' ')}`))
  })

  it('errors', async () => {
    const { stdout } = await home.run(['client', 'show', 'nobody', '--json'])
    expectToFit(JSON.parse(stdout).error, shapeUnder('## Errors'))
  })
})
