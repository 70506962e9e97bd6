import { XmppkiError } from '../errors.ts'
import { checkPrintable, literal, type Value } from './literals.ts'

/** A piece of running text; code is a file name, a command, a value. */
export interface Span {
  readonly text: string
  readonly isCode: boolean
}

/** Lines to copy as they are. */
export interface Code {
  readonly kind: 'code'
  /** `ini`, `python`, `sh` … */
  readonly language: string
  /** Name of the file that it is the content of; undefined for commands and the like. */
  readonly file: string | undefined
  readonly text: string
}

export interface Paragraph {
  readonly kind: 'paragraph'
  readonly spans: readonly Span[]
}

/** One thing to do, with what is to be copied for it. */
export interface Step {
  readonly kind: 'step'
  readonly spans: readonly Span[]
  readonly codes: readonly Code[]
}

type Block = Paragraph | Step | Code

/** How to set up one client, before it is written as text, Markdown or HTML. */
export interface Guide {
  readonly title: string
  readonly blocks: readonly Block[]
}

/** Every value that a guide may ask for; undefined is one that is not there in this case. */
export type GuideValues = Readonly<Record<string, Value | undefined>>

/** `?name ` keeps the line if there is a value, `!name ` if there is none. */
const CONDITION = /^([?!])([a-zA-Z0-9]+) (.*)$/

const FENCE = /^```(\w+)(?: (\S+))?$/

/**
 * Reads a guide as the templates have it: a title, paragraphs, numbered steps and fenced code, a small part of Markdown,
 * with `{{name}}` for values. In code each value is quoted as its language wants it; in running text it stands as code.
 * @param source names the template in errors
 * @throws {XmppkiError} BAD_INPUT for a value with control characters, INTERNAL for a mistake in the template
 */
export function parseGuide(template: string, values: GuideValues, source: string): Guide {
  const lines = template
    .trimEnd()
    .split('\n')
    .flatMap((line) => keptLine(line, values, source))
  const [heading = '', ...rest] = lines
  if (!heading.startsWith('# ')) throw new XmppkiError('INTERNAL', `${source} does not begin with a title`)
  const blocks: Block[] = []
  const remaining = rest.values()
  for (let line = remaining.next(); !line.done; line = remaining.next()) {
    if (line.value === '') continue
    const fence = FENCE.exec(line.value)
    if (fence === null) addText(blocks, textFrom(line.value, remaining), (text) => spansOf(text, values, source))
    else addCode(blocks, codeFrom(fence, remaining, { values, source }))
  }
  return { title: heading.slice(2), blocks }
}

function keptLine(line: string, values: GuideValues, source: string): string[] {
  const [, mark, name = '', rest = ''] = CONDITION.exec(line) ?? []
  if (mark === undefined) return [line]
  const isThere = valueNamed(name, values, source) !== undefined
  // One condition may stand behind another.
  return isThere === (mark === '?') ? keptLine(rest, values, source) : []
}

/** @throws {XmppkiError} INTERNAL when nobody provides it */
function valueNamed(name: string, values: GuideValues, source: string): Value | undefined {
  if (Object.hasOwn(values, name)) return values[name]
  throw new XmppkiError('INTERNAL', `${source} asks for something that nobody provides: ${name}`)
}

function fill(text: string, { values, source }: Context, write: (value: Value) => string): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = valueNamed(name, values, source)
    if (value === undefined) throw new XmppkiError('INTERNAL', `${source} takes ${name} for granted`)
    return write(value)
  })
}

interface Context {
  readonly values: GuideValues
  readonly source: string
}

/** A paragraph or a step, up to the next blank line. */
function textFrom(first: string, remaining: Iterator<string>): string {
  const lines = [first]
  for (let line = remaining.next(); !line.done && line.value !== ''; line = remaining.next()) {
    lines.push(line.value.trim())
  }
  return lines.join(' ')
}

function addText(blocks: Block[], text: string, spans: (text: string) => Span[]): void {
  // The numbers are given anew: some steps may have been left out.
  const [, step] = /^1\. (.*)$/.exec(text) ?? []
  if (step === undefined) blocks.push({ kind: 'paragraph', spans: spans(text) })
  else blocks.push({ kind: 'step', spans: spans(step), codes: [] })
}

function spansOf(text: string, values: GuideValues, source: string): Span[] {
  return text.split(/(`[^`]+`|\{\{\w+\}\})/).flatMap((piece, index) => {
    // A value is code by itself. A command with a value in it belongs into a block, where it is quoted.
    const isValue = piece.startsWith('{{')
    if (!isValue && piece.includes('{{')) throw new XmppkiError('INTERNAL', `${source} has a value within ${piece}`)
    const plain = piece.startsWith('`') ? piece.slice(1, -1) : piece
    const shown = isValue ? fill(plain, { values, source }, (value) => checkPrintable(String(value))) : plain
    return shown === '' ? [] : [{ text: shown, isCode: index % 2 === 1 }]
  })
}

function codeFrom([, language = '', file]: RegExpExecArray, remaining: Iterator<string>, context: Context): Code {
  const lines: string[] = []
  for (let line = remaining.next(); !line.done && line.value !== '```'; line = remaining.next()) {
    lines.push(fill(line.value, context, (value) => literal(value, language)))
  }
  return { kind: 'code', language, file, text: lines.join('\n') }
}

/** Code that follows a step is part of it. */
function addCode(blocks: Block[], code: Code): void {
  const last = blocks.at(-1)
  if (last?.kind === 'step') blocks[blocks.length - 1] = { ...last, codes: [...last.codes, code] }
  else blocks.push(code)
}

/** The content of the settings file that the guide has, undefined for a client without one. */
export function settingsOf({ blocks }: Guide): string | undefined {
  const codes = blocks.flatMap((block) => (block.kind === 'step' ? block.codes : block.kind === 'code' ? [block] : []))
  const settings = codes.find(({ file }) => file !== undefined)
  return settings === undefined ? undefined : `${settings.text}\n`
}
