import type { Origin } from './origin.ts'
import { tomlLiteral } from './toml-literal.ts'
import type { Setting } from './walk.ts'

/** A line of a listing; blank lines and the heads of tables have no origin. */
export interface ListingLine {
  readonly text: string
  readonly origin?: Origin
}

/** The settings as a TOML document, in which keys without a value are comments. */
export function settingLines(settings: readonly Setting[]): ListingLine[] {
  const tables = new Map<string, Setting[]>()
  for (const setting of settings) {
    const name = setting.key.slice(0, setting.key.lastIndexOf('.'))
    tables.set(name, [...(tables.get(name) ?? []), setting])
  }
  return [...tables].flatMap(([name, members], index) => {
    const texts = members.map(textOf)
    const width = Math.max(...texts.map((text) => text.length))
    const lines = members.map(({ origin }, row) => ({ text: (texts[row] ?? '').padEnd(width), origin }))
    return [...(index === 0 ? [] : [{ text: '' }]), { text: headOf(name) }, ...lines]
  })
}

/** `listen.c2s[0]` is `[[listen.c2s]]`, and what is in it belongs to the last one. */
function headOf(table: string): string {
  const name = table.replace(/\[\d+\]/g, '')
  return /\]$/.test(table) ? `[[${name}]]` : `[${name}]`
}

function textOf({ key, value }: Setting): string {
  const name = key.slice(key.lastIndexOf('.') + 1)
  return value === undefined ? `# ${name}` : `${name} = ${tomlLiteral(value)}`
}
