/**
 * Rows under a heading, columns aligned and two spaces apart, nothing behind the last one.
 * The heading is in capitals, so that `grep`, `awk` and eyes find it.
 */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [heading.map((name) => name.toUpperCase()), ...rows]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
