import { XmppkiError } from '../errors.ts'

const PLACEHOLDER = /\{\{([a-zA-Z][a-zA-Z0-9]*)\}\}/g

/**
 * Fills `{{name}}` placeholders. Every placeholder needs a value and every value a placeholder, so that a
 * template and the code that fills it cannot drift apart unnoticed.
 * @param source names the template in errors
 */
export function renderTemplate(template: string, values: Readonly<Record<string, string>>, source: string): string {
  const used = new Set<string>()
  const text = template.replace(PLACEHOLDER, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new XmppkiError('INTERNAL', `${source} has a placeholder nobody fills: ${name}`)
    used.add(name)
    return value
  })
  const unused = Object.keys(values).find((name) => !used.has(name))
  if (unused !== undefined) throw new XmppkiError('INTERNAL', `${source} has no placeholder for ${unused}`)
  return text
}
