import type { Option, Shape } from '../../src/config/field.ts'
import { REPLACED_KEYS, SCHEMA } from '../../src/config/schema.ts'
import { code, page, table } from './markdown.ts'

/** A table of the file with the keys that stand in it themselves. */
interface Section {
  /** `[auth.pki]`, `[[listen.c2s]]`; empty for what is in none. */
  readonly heading: string
  readonly note: string
  readonly options: readonly (readonly [key: string, option: Option<unknown>])[]
}

const MANY = 'May stand several times.'

/** The tables of a shape, each before those in it. */
function sectionsOf(shape: Shape, path: string, brackets: readonly [string, string], note = ''): Section[] {
  const entries = Object.entries(shape)
  const options = entries.flatMap(([key, field]) => (field.kind === 'option' ? [[key, field] as const] : []))
  const own = options.length === 0 ? [] : [{ heading: brackets.join(path), note, options }]
  const inner = entries.flatMap(([key, field]) => {
    const name = path === '' ? key : `${path}.${key}`
    if (field.kind === 'option') return []
    return field.kind === 'groups'
      ? sectionsOf(field.fields, name, ['[[', ']]'], MANY)
      : sectionsOf(field.fields, name, ['[', ']'], field.optional ? 'Without it there is none.' : '')
  })
  return [...own, ...inner]
}

function defaultOf({ absent }: Option<unknown>): string {
  if (absent === 'required') return 'required'
  const { value } = absent
  const isEmpty = value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
  return isEmpty ? '' : code(JSON.stringify(value).replaceAll(',', ', '))
}

/** Every key of `xmppki.toml`. */
export function configurationPage(): string {
  const sections = sectionsOf(SCHEMA, '', ['', ''])
  return page('Configuration', [
    'The keys of `xmppki.toml`, table by table. It is in the folder of the workspace, or where `--config` says. What belongs together in it is in [serving](../serving.md); `xmppki config check` judges a file, and `xmppki config show` prints what holds and where each value comes from. A key that is not here is refused. Relative names of files count from the folder of the file.',
    ...sections.flatMap(({ heading, note, options }) => [
      `## ${code(heading)}`,
      note,
      table(
        ['key', 'value', 'default', 'what it does'],
        options.map(([key, option]) => [code(key), option.type, defaultOf(option), option.description]),
      ),
    ]),
    '## Keys of MongooseIM that are not here',
    table(
      ['key', 'what to do'],
      Object.entries(REPLACED_KEYS).map(([key, remedy]) => [code(key), remedy]),
    ),
  ])
}
