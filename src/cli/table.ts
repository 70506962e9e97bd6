/**
 * Rows under a heading, columns aligned and two spaces apart, nothing behind the last one.
 * The heading is in capitals, so that `grep`, `awk` and eyes find it.
 */
export async function table(heading: readonly string[], rows: readonly (readonly string[])[]): Promise<string[]> {
  const lines = [heading.map((name) => name.toUpperCase()), ...rows]
  const columns = await Promise.all(heading.map((_, column) => aligned(lines.map((line) => line[column] ?? ''))))
  return lines.map((_, row) =>
    columns
      .map((cells) => cells[row])
      .join('  ')
      .trimEnd(),
  )
}

/** Texts filled up with spaces to the width of the widest, as a terminal shows them (Unicode Standard Annex #11). */
export async function aligned(texts: readonly string[]): Promise<string[]> {
  const widthOf = await measureFor(texts)
  const widths = texts.map(widthOf)
  const widest = widths.reduce((most, width) => Math.max(most, width), 0)
  return texts.map((text, row) => text + ' '.repeat(widest - (widths[row] ?? 0)))
}

async function measureFor(texts: readonly string[]): Promise<(text: string) => number> {
  if (texts.every((text) => /^[ -~]*$/.test(text))) return ({ length }) => length
  // Only now: what it needs of ICU takes longer to load than a command that lists takes without.
  const { default: stringWidth } = await import('string-width')
  return (text) => stringWidth(text)
}
