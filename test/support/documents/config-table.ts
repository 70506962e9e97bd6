import type { Option, Shape } from '../../../src/config/field.ts'
import { SCHEMA } from '../../../src/config/schema.ts'

/** The head of the README's table of options, and the line under it. */
const HEAD = ['| key | value | default | what it does |', '|---|---|---|---|']

function defaultOf({ absent }: Option<unknown>): string {
  if (absent === 'required') return 'required'
  const { value } = absent
  const isEmpty = value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
  return isEmpty ? '' : `\`${JSON.stringify(value).replaceAll(',', ', ')}\``
}

function rowsOf(shape: Shape, table: string): string[] {
  return Object.entries(shape).flatMap(([key, field]) => {
    const path = table === '' ? key : `${table}.${key}`
    if (field.kind === 'groups') return rowsOf(field.fields, `${path}[]`)
    if (field.kind === 'group') return rowsOf(field.fields, path)
    return [`| \`${path}\` | ${field.type} | ${defaultOf(field)} | ${field.description} |`]
  })
}

/** The README's table of the keys of `xmppki.toml`, as the schema has them. */
export function configTable(): string {
  return [...HEAD, ...rowsOf(SCHEMA, '')].join('\n')
}
