import type { ReadTemplate } from './rendered-server.ts'
import { renderTemplate } from './template.ts'

/** Reads a template and fills it. @throws {XmppkiError} INTERNAL when values and placeholders do not agree */
export function fill(read: ReadTemplate, name: string, values: Readonly<Record<string, string>>): string {
  const { text, source } = read(name)
  return renderTemplate(text, values, source)
}
