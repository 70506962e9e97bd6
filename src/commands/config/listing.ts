import { aligned } from '../../cli/table.ts'
import type { Origin } from '../../config/origin.ts'
import { tomlLiteral } from '../../config/toml-literal.ts'
import type { Setting } from '../../config/walk.ts'

/** A line of a listing; blank lines and the heads of tables have no origin. */
export interface ListingLine {
  readonly text: string
  readonly origin?: Origin
}

/** The settings as a TOML document, in which keys without a value are comments. */
export async function settingLines(settings: readonly Setting[]): Promise<ListingLine[]> {
  const tables = new Map<string, Setting[]>()
  for (const setting of settings) {
    const name = setting.key.slice(0, setting.key.lastIndexOf('.'))
    tables.set(name, [...(tables.get(name) ?? []), setting])
  }
  const blocks = await Promise.all([...tables].map(([name, members]) => blockOf(name, members)))
  return blocks.flatMap((lines, index) => (index === 0 ? lines : [{ text: '' }, ...lines]))
}

async function blockOf(table: string, members: readonly Setting[]): Promise<ListingLine[]> {
  const texts = await aligned(members.map(textOf))
  const lines = members.map(({ origin }, row) => ({ text: texts[row] ?? '', origin }))
  return [{ text: headOf(table) }, ...lines]
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
