/** A text as one word of bash, zsh, or any other shell of the Bourne kind. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
