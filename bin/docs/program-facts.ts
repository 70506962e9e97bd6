import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A flag, as oclif.manifest.json has it. */
export interface Flag {
  readonly name: string
  readonly type: 'boolean' | 'option'
  readonly summary?: string
  readonly description?: string
  readonly helpValue?: string
  readonly helpGroup?: string
  readonly default?: unknown
  readonly options?: readonly string[]
  readonly multiple?: boolean
  readonly required?: boolean
  readonly env?: string
  readonly exclusive?: readonly string[]
  readonly dependsOn?: readonly string[]
}

interface Argument {
  readonly name: string
  readonly description?: string
  readonly required?: boolean
  readonly multiple?: boolean
  readonly options?: readonly string[]
}

interface ManifestCommand {
  readonly id: string
  readonly summary: string
  readonly description: string
  readonly args: Readonly<Record<string, Argument>>
  readonly flags: Readonly<Record<string, Flag>>
  readonly examples: readonly { readonly description: string; readonly command: string }[]
  readonly enableJsonFlag?: boolean
}

/** A command with all that its help says. */
export interface CommandFacts {
  readonly id: string
  /** Its words: `client issue`. */
  readonly name: string
  readonly summary: string
  /** Without the exit codes. */
  readonly paragraphs: readonly string[]
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[]
  readonly args: readonly Argument[]
  /** By name; its own before those of all commands. */
  readonly flags: readonly Flag[]
  readonly examples: readonly { readonly description: string; readonly command: string }[]
}

/** The program as its manifest and its package.json tell of it. */
export interface ProgramFacts {
  readonly version: string
  readonly description: string
  /** By id. */
  readonly commands: readonly CommandFacts[]
  readonly topics: readonly { readonly name: string; readonly description: string }[]
}

interface PackageFile {
  readonly version: string
  readonly description: string
  readonly oclif: { readonly topics: Readonly<Record<string, { readonly description: string }>> }
}

/** @param root folder of the checkout, after a build */
export function readProgram(root: string): ProgramFacts {
  const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'))
  const manifest: { commands: Readonly<Record<string, ManifestCommand>> } = read('oclif.manifest.json')
  const { version, description, oclif }: PackageFile = read('package.json')
  return {
    version,
    description,
    commands: Object.values(manifest.commands).map(factsOf).sort(byId),
    topics: Object.entries(oclif.topics).map(([name, topic]) => ({
      name: name.replaceAll(':', ' '),
      description: topic.description,
    })),
  }
}

const byId = ({ id: a }: CommandFacts, { id: b }: CommandFacts) => (a < b ? -1 : 1)

const EXIT_CODES = /^Exit codes: (.*)\.$/

function factsOf({ id, summary, description, args, flags, examples }: ManifestCommand): CommandFacts {
  const paragraphs = description.split('\n\n')
  const codes = paragraphs.map((text) => EXIT_CODES.exec(text)?.[1]).find((text) => text !== undefined) ?? ''
  return {
    id,
    name: id.replaceAll(':', ' '),
    summary,
    paragraphs: paragraphs.filter((text) => !EXIT_CODES.test(text)),
    exitCodes: [...codes.matchAll(/(?:^|, )(\d+) (.*?)(?=, \d+ |$)/g)].map(
      ([, code, meaning]) => [Number(code), meaning ?? ''] as const,
    ),
    args: Object.values(args),
    flags: Object.values(flags).sort(
      (a, b) => Number(a.helpGroup === 'GLOBAL') - Number(b.helpGroup === 'GLOBAL') || (a.name < b.name ? -1 : 1),
    ),
    examples: examples.map((example) => ({ ...example, command: example.command.replaceAll(BINARY, 'xmppki') })),
  }
}

const BINARY = '<%= config.bin %>'

/** How an argument stands in a synopsis: `NAME`, `[NAME...]`. */
export function argumentWord({ name, required, multiple }: Argument): string {
  const word = `${name.toUpperCase()}${multiple ? '...' : ''}`
  return required ? word : `[${word}]`
}

/** `--days=DAYS` as its two words; a flag without a value has one. */
export function flagWords({ name, type, helpValue }: Flag): readonly [flag: string, value: string | undefined] {
  return [`--${name}`, type === 'boolean' ? undefined : (helpValue ?? name.toUpperCase())]
}

const REPEATABLE = 'may be given several times'

/** What holds of a flag besides its summary, each as the end of a sentence. */
export function flagRules({
  summary = '',
  default: value,
  options,
  multiple,
  required,
  exclusive,
  dependsOn,
}: Flag): string[] {
  const names = (flags: readonly string[]) => flags.map((name) => `--${name}`).join(', ')
  const isSet = value !== undefined && value !== '' && value !== false
  return [
    ...(required ? ['required'] : []),
    ...(options ? [`one of ${options.join(', ')}`] : []),
    ...(multiple && !summary.includes(REPEATABLE) ? [REPEATABLE] : []),
    ...(isSet ? [`default: ${Array.isArray(value) ? value.join(', ') : String(value)}`] : []),
    ...(exclusive?.length ? [`not with ${names(exclusive)}`] : []),
    ...(dependsOn?.length ? [`only with ${names(dependsOn)}`] : []),
  ]
}
