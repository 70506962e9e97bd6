import { describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../src/config/load.ts'
import { documents, documentText, markedBlocks, normalise } from '../support/documents/documents.ts'
import { followConsole, isRun } from '../support/documents/manual-console.ts'

const DOCUMENTS = documents().map((path) => {
  const text = documentText(path)
  return { path, text, blocks: markedBlocks(text) }
})

const WITH_COMMANDS = DOCUMENTS.filter(({ text }) => text.includes('```console\n'))

describe('the console blocks', () => {
  it.each(WITH_COMMANDS)('are all run: $path', ({ text, blocks }) => {
    expect(text.match(/```console\n/g)?.length).toBe(blocks.filter(({ mark }) => isRun(mark)).length)
  })

  it.each(WITH_COMMANDS.filter(({ path }) => path !== 'README.md'))('print what stands there: $path', ({ path }) =>
    followConsole(path),
  )
})

describe('what differs from run to run', () => {
  it.each(['x6WmKVBS9jTj', 'zHHTEM0c8iT-', '-abcdefghij_'])('is not compared: %s', (resource) => {
    expect(normalise(`a@localhost/${resource} came`, '/home')).toBe('a@localhost/RESOURCE came')
  })
})

const CONFIGURATIONS = DOCUMENTS.flatMap(({ path, blocks }) =>
  blocks.filter(({ mark }) => mark === 'toml').map(({ lines }) => [path, lines.join('\n')] as const),
)

describe('the configurations', () => {
  it('are all checked', () => {
    const written = DOCUMENTS.flatMap(({ text }) => text.match(/```toml\n/g) ?? [])
    expect(CONFIGURATIONS).toHaveLength(written.length)
  })

  it.each(CONFIGURATIONS)('are good: %s: %s', (_, document) => {
    const source = { file: undefined, home: undefined, overrides: [], defaultHost: 'example.org' }
    expect(checkConfiguration(document, source).problems).toEqual([])
  })
})
