import type { Command, Interfaces } from '@oclif/core'

/** What a shell can offer at a place: files, users of the ledger, accounts with a password, or a list of words. */
export type Offer = 'files' | 'clients' | 'accounts' | readonly string[]

/** A flag as a shell needs to know it. */
export interface ShellFlag {
  /** With the hyphens: `--key-type`. */
  readonly word: string
  readonly summary: string
  /** Undefined for a flag without a value; an empty list where nothing can be offered. */
  readonly value: Offer | undefined
  /** How help calls the value: `TYPE`. */
  readonly valueName: string
  readonly repeatable: boolean
  /** Flags that it cannot stand together with. */
  readonly excludes: readonly string[]
}

/** An argument as a shell needs to know it. */
export interface ShellArgument {
  readonly name: string
  readonly offer: Offer
  readonly repeatable: boolean
}

/** The program, a topic, or a command. */
export interface ShellNode {
  /** Its words, separated by blanks: `client issue`; empty for the program. */
  readonly path: string
  readonly children: readonly { readonly word: string; readonly summary: string }[]
  readonly flags: readonly ShellFlag[]
  readonly args: readonly ShellArgument[]
}

/** What is known about values beyond oclif's own lists. */
export interface Offers {
  /** By the name that help gives to the value of a flag. */
  readonly values: Readonly<Record<string, Offer>>
  /** By the name of the argument. */
  readonly args: Readonly<Record<string, Offer>>
  /** The users that a command takes as `name`, by its id. */
  readonly users: Readonly<Record<string, Offer>>
}

const HELP: ShellFlag = {
  word: '--help',
  summary: 'show help',
  value: undefined,
  valueName: '',
  repeatable: false,
  excludes: [],
}

const VERSION: ShellFlag = { ...HELP, word: '--version', summary: 'show the version' }

/** Every place of the command line that has something to offer, the program itself first. */
export function commandTree(config: Interfaces.Config, offers: Offers): ShellNode[] {
  const commands = config.commands.filter(({ hidden }) => !hidden)
  const topics = new Map(config.topics.map(({ name, description }) => [name, description ?? '']))
  const summaries = new Map([...topics, ...commands.map(({ id, summary }) => [id, summary ?? ''] as const)])
  const ids = commands.flatMap(({ id }) => id.split(':').map((_, index, words) => words.slice(0, index + 1).join(':')))
  const places = ['', ...[...new Set(ids)].sort()]
  return places.map((place) => {
    const command = commands.find(({ id }) => id === place)
    const children = places.filter((id) => id !== '' && parentOf(id) === place)
    return {
      path: place.replaceAll(':', ' '),
      children: children.map((id) => ({ word: id.split(':').at(-1) ?? id, summary: plain(summaries.get(id) ?? '') })),
      flags: place === '' ? [HELP, VERSION] : [...(command === undefined ? [] : flagsOf(command, offers)), HELP],
      args: command === undefined ? [] : argsOf(command, offers),
    }
  })
}

function parentOf(id: string): string {
  return id.split(':').slice(0, -1).join(':')
}

/** Sentences of help as the one-liners that shells show. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\.$/, '')
}

function flagsOf({ flags }: Command.Loadable, offers: Offers): ShellFlag[] {
  const shown = Object.values(flags).filter(({ hidden }) => !hidden)
  return shown.map((flag) => {
    const valueName = flag.type === 'option' ? String(flag.helpValue ?? flag.name.toUpperCase()) : ''
    const excludes = shown.filter((other) => excludesNamed(flag, other) || excludesNamed(other, flag))
    return {
      word: `--${flag.name}`,
      summary: plain(flag.summary ?? flag.description ?? ''),
      value: flag.type === 'option' ? (flag.options ?? offers.values[valueName] ?? []) : undefined,
      valueName,
      repeatable: flag.type === 'option' && flag.multiple === true,
      excludes: excludes.map(({ name }) => `--${name}`),
    }
  })
}

/** oclif lets one of two flags say it for both. */
function excludesNamed(flag: Command.Flag.Any, other: Command.Flag.Any): boolean {
  return (flag.exclusive ?? []).some((entry) => entry === other.name)
}

function argsOf({ id, args }: Command.Loadable, offers: Offers): ShellArgument[] {
  return Object.values(args).map(({ name, options, multiple }) => {
    const named = name === 'name' ? offers.users[id] : offers.args[name]
    return { name, offer: options ?? named ?? [], repeatable: multiple === true }
  })
}
