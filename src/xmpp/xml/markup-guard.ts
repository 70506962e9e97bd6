/** What starts at a `<!`, `<?` or `&` that is not plainly allowed, or that more text is needed to tell. */
export type Markup = 'cdata' | 'declaration' | 'restricted' | 'malformed' | 'long-reference' | 'incomplete'

interface MarkupStart {
  readonly index: number
  readonly markup: Markup
}

const CDATA = '<![CDATA['
/** The first characters of an XML declaration (XML 1.0 §2.8). */
export const DECLARATION = '<?xml'
/** Characters of a reference from `&` to `;`. XML allows any number of leading zeros, nobody needs them. */
const MAX_REFERENCE = 32
const SUSPECT = /<(?:[!?]|$)|&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,28}|#x[0-9A-Fa-f]{1,28});)/

/**
 * Finds the first thing in a text that the tokenizer must not simply be given: markup that is not a tag, and references
 * other than to characters and the five predefined entities. Comments, processing instructions, DTDs and other entities
 * are restricted (RFC 6120 §11.1) and recognised by their first characters, so that nothing of them is buffered.
 */
export function findMarkup(text: string): MarkupStart | undefined {
  const index = text.search(SUSPECT)
  if (index < 0) return undefined
  const start = text.slice(index, index + MAX_REFERENCE)
  return {
    index,
    markup: start.startsWith('&') ? classifyReference(start) : classifyMarkup(start),
  }
}

function classifyMarkup(start: string): Markup {
  if (start.startsWith(CDATA)) return 'cdata'
  if (/^<\?xml[ \t\r\n]/.test(start)) return 'declaration'
  return CDATA.startsWith(start) || DECLARATION.startsWith(start) ? 'incomplete' : 'restricted'
}

function classifyReference(start: string): Markup {
  if (/^&[\p{L}_][\p{L}\p{M}\p{N}_.-]*;/u.test(start)) return 'restricted'
  if (!/^&(?:#x?[0-9A-Fa-f]*|[\p{L}_][\p{L}\p{M}\p{N}_.-]*)?$/u.test(start)) return 'malformed'
  return start.length < MAX_REFERENCE ? 'incomplete' : 'long-reference'
}
