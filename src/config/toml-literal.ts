/** A string, number, boolean or list of them as TOML has it: as JSON, but that DEL must be an escape as well. */
export function tomlLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlLiteral).join(', ')}]`
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f')
}
