import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Bundle,
  FORMATS,
  issueBundle,
  type Opening,
  READERS,
  type Reader,
  WRONG_PASSWORD,
} from '../../../interop/readers/pkcs12-readers.ts'
import { Service } from '../../../interop/service.ts'
import { documentText } from '../../../support/documents/documents.ts'

const KEY_TYPES = {
  'ec:p256': 'P-256',
  'ec:p384': 'P-384',
  ed25519: 'Ed25519',
  'rsa:2048': 'RSA-2048',
  'rsa:4096': 'RSA-4096',
}

/** What a reader cannot do, in its own words; whoever learns it fails the test. */
const REFUSALS: Readonly<Record<string, string>> = {
  'NSS (pk12util, certutil), Ed25519': 'SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY',
}

/** Readers that do not show the friendlyName. */
const NAMELESS: readonly string[] = ['GLib (GIO)']

interface Cell {
  readonly reader: Reader
  readonly key: string
  readonly format: (typeof FORMATS)[number]
  readonly id: string
}

const CELLS: readonly Cell[] = READERS.flatMap((reader) =>
  Object.values(KEY_TYPES).flatMap((key) =>
    FORMATS.map((format) => ({ reader, key, format, id: `${reader.name}, ${key}` })),
  ),
)

let service: Service
const bundles = new Map<string, Bundle>()
const openings = new Map<Cell, Opening>()

/** Runs the jobs, a few at a time. */
async function runAll(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...jobs]
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job()
  }
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, work))
}

async function issue(keyType: string, key: string, format: Cell['format']): Promise<void> {
  const name = `${key}-${format}`.toLowerCase()
  bundles.set(`${key} ${format}`, await issueBundle(service, { name, keyType, format }))
}

function bundleOf({ key, format }: Pick<Cell, 'key' | 'format'>): Bundle {
  const bundle = bundles.get(`${key} ${format}`)
  if (bundle === undefined) throw new Error(`no bundle ${key} ${format}`)
  return bundle
}

function openingOf(cell: Cell): Opening {
  const opening = openings.get(cell)
  if (opening === undefined) throw new Error(`${cell.id} was not opened`)
  return opening
}

beforeAll(async () => {
  service = await Service.create('--cn', 'Reader CA')
  const issued = Object.entries(KEY_TYPES).flatMap(([keyType, key]) =>
    FORMATS.map((format) => () => issue(keyType, key, format)),
  )
  await runAll(issued)
  await runAll(CELLS.map((cell) => async () => void openings.set(cell, await cell.reader.open(bundleOf(cell)))))
}, 240_000)
afterAll(() => service?.end())

describe('PKCS#12 bundles', () => {
  it.each(CELLS)('$id, $format', (cell) => {
    const opening = openingOf(cell)
    const refusal = REFUSALS[cell.id]
    if (refusal !== undefined) {
      expect(opening.refusal).toContain(refusal)
      return
    }
    const name = NAMELESS.includes(cell.reader.name) ? undefined : bundleOf(cell).friendlyName
    expect(opening, opening.refusal).toEqual({ key: true, certificates: true, friendlyName: name })
  })

  it.each(READERS)('$name refuses a wrong password', async (reader) => {
    const passwordFile = service.cli.path('wrong')
    writeFileSync(passwordFile, 'wrong\n')
    for (const format of FORMATS) {
      const { refusal } = await reader.open({ ...bundleOf({ key: 'P-256', format }), passwordFile })
      expect(refusal).toMatch(WRONG_PASSWORD)
    }
  })
})

/** What the manual says of one reader and key type. */
function verdict(reader: Reader, key: string): string {
  const cells = CELLS.filter((cell) => cell.reader === reader && cell.key === key)
  const opened = cells.filter((cell) => openingOf(cell).key && openingOf(cell).certificates)
  if (opened.length === cells.length) return 'yes'
  return opened.length === 0 ? 'no' : `${opened.map(({ format }) => format).join(', ')} only`
}

describe('the manual', () => {
  it('says what was seen', () => {
    const keys = Object.values(KEY_TYPES)
    const rows = READERS.map((reader) => [reader.name, ...keys.map((key) => verdict(reader, key))])
    const table = [['reader', ...keys], keys.map(() => '---').concat('---'), ...rows]
    const seen = table
      .map((cells) => `|${cells.map((cell) => (cell === '---' ? cell : ` ${cell} `)).join('|')}|`)
      .join('\n')
    const [, block] =
      /<!-- readers:begin -->\n([\s\S]*?)\n<!-- readers:end -->/.exec(documentText('docs/issuing.md')) ?? []
    expect(block).toBe(seen)
  })
})
