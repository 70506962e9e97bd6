import { XmppkiError } from '../../errors.ts'
import { DerError, readSingle, TAG } from './der.ts'

/** One PEM block as it stands in a text. */
export interface PemBlock {
  readonly label: string
  /** What lies between the boundary lines, including any RFC 1421 headers. */
  readonly body: string
  /** The whole block with its boundary lines. */
  readonly text: string
}

/** DER as PEM (RFC 7468 §2): 64 columns, `\n`, newline at the end. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** All blocks of a text; what stands around them is explanatory text and skipped (RFC 7468 §2). */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  const begin = '-----BEGIN '
  for (let at = text.indexOf(begin); at !== -1; at = text.indexOf(begin, at + begin.length)) {
    const labelEnd = text.indexOf('-----', at + begin.length)
    if (labelEnd === -1) break
    const label = text.slice(at + begin.length, labelEnd)
    const close = `-----END ${label}-----`
    const bodyEnd = label.includes('\n') ? -1 : text.indexOf(close, labelEnd)
    if (bodyEnd === -1) continue
    const end = bodyEnd + close.length
    blocks.push({
      label,
      body: text.slice(labelEnd + 5, bodyEnd),
      text: `${text.slice(at, end)}\n`,
    })
    at = end - begin.length
  }
  return blocks
}

function notPem(label: string, source: string): XmppkiError {
  return new XmppkiError('BAD_INPUT', `${source} holds no ${label} in PEM form`, {
    hint: `the file must contain a line -----BEGIN ${label}-----`,
    spec: 'RFC 7468 §2',
  })
}

function decodeBlock(block: PemBlock, source: string): Uint8Array {
  const base64 = block.body.replace(/[ \t\r\n]+/g, '')
  const der = Buffer.from(base64, 'base64')
  // Buffer.from skips what it does not know; only the way back shows that nothing was skipped.
  if (base64.length === 0 || der.toString('base64') !== base64) {
    throw new XmppkiError('BAD_INPUT', `the ${block.label} in ${source} is not valid base64`, { spec: 'RFC 7468 §3' })
  }
  try {
    readSingle(der, TAG.sequence)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `the ${block.label} in ${source} is damaged: ${error.message}`, { cause: error })
  }
  return der
}

/**
 * The DER of every block with this label, in order.
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT when there is none, or one is not base64 of exactly one DER element
 */
export function decodePemAll(text: string, label: string, source: string): Uint8Array[] {
  const blocks = pemBlocks(text).filter((block) => block.label === label)
  if (blocks.length === 0) throw notPem(label, source)
  return blocks.map((block) => decodeBlock(block, source))
}

/**
 * The DER of the one block with this label.
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT as `decodePemAll`, and when there are several
 */
export function decodePem(text: string, label: string, source: string): Uint8Array {
  const [der, ...others] = decodePemAll(text, label, source)
  if (der === undefined) throw notPem(label, source)
  if (others.length > 0) {
    throw new XmppkiError('BAD_INPUT', `${source} holds ${others.length + 1} blocks ${label} where one is expected`)
  }
  return der
}
