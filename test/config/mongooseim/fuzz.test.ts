import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../../src/config/load.ts'
import { importMongooseim } from '../../../src/config/mongooseim/import-config.ts'
import { XmppkiError } from '../../../src/errors.ts'
import { generator, mutate } from '../../pki/mutations.ts'

const FIXTURES = new URL('fixtures/', import.meta.url)

const MUTATIONS = 2_000

/** What means something to one of the two readers. */
const WORDS = [
  '{',
  '}',
  '[',
  ']',
  '<<',
  '#{',
  '"',
  "'",
  '.',
  ',',
  '$',
  '16#',
  '\\',
  '%',
  '=',
  '[[',
  '-1',
  '99999',
  'true',
]

const documents = readdirSync(FIXTURES).map((name) => readFileSync(new URL(name, FIXTURES)))

/** A word of the grammar at a random place, or in the place of what is there. */
function disturb(input: Buffer, random: (below: number) => number): Buffer {
  const at = random(input.length)
  const word = Buffer.from(WORDS[random(WORDS.length)] ?? '')
  return Buffer.concat([input.subarray(0, at), word, input.subarray(at + random(2) * word.length)])
}

/** Errors are for people, with a place; results are configurations without errors. */
function verdictOn(text: string): 'imported' | 'refused' {
  try {
    const { toml } = importMongooseim(text, 'the file')
    const context = { file: '/etc/xmppki.toml', home: '/nonexistent', overrides: [], defaultHost: 'example.org' }
    const errors = checkConfiguration(toml, context).problems.filter(({ severity }) => severity === 'error')
    if (errors.length > 0) throw new Error(`${JSON.stringify(errors)}\n${toml}`)
    return 'imported'
  } catch (error) {
    if (!(error instanceof XmppkiError) || error.code !== 'BAD_INPUT') throw error
    if (!error.message.startsWith('the file')) throw error
    return 'refused'
  }
}

describe('a mutated configuration of MongooseIM', () => {
  it(`is imported or refused, ${MUTATIONS} times`, { timeout: 60_000 }, () => {
    const random = generator(4)
    const seen = { imported: 0, refused: 0 }
    for (let index = 0; index < MUTATIONS; index++) {
      const document = documents[index % documents.length] ?? Buffer.alloc(0)
      const mutated = random(2) === 0 ? mutate(document, documents, random) : disturb(document, random)
      seen[verdictOn(mutated.toString('utf8'))]++
    }
    expect(seen.imported).toBeGreaterThan(MUTATIONS / 10)
    expect(seen.refused).toBeGreaterThan(MUTATIONS / 10)
  })
})
