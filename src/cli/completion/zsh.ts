import type { Offer, ShellArgument, ShellFlag, ShellNode } from './command-tree.ts'
import { quoted } from './quoted.ts'

/** What fills `templates/completion/zsh`. */
export function zshParts(nodes: readonly ShellNode[]): Record<string, string> {
  const places = nodes.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  return { places: places.join('|'), commands: nodes.map(branch).join('\n') }
}

function branch({ path, children, flags, args }: ShellNode): string {
  const specs = [...flags.map(flagSpec), ...args.map(argSpec)]
  const words = children.map(({ word, summary }) => quoted(`${escaped(word)}:${summary}`))
  const choice = words.length === 0 ? [] : [`      commands=(${words.join(' ')})`]
  const node = words.length === 0 ? [] : [quoted('1:command:{_describe command commands}')]
  const last = [...specs.map(quoted), ...node].map((spec) => `        ${spec}`).join(' \\\n')
  return [`    ${quoted(path)})`, ...choice, `      _arguments -s -S : \\\n${last}`, '      ;;'].join('\n')
}

function flagSpec({ word, summary, value, valueName, repeatable, excludes }: ShellFlag): string {
  const others = repeatable ? excludes : [...excludes, word]
  const start = `${others.length === 0 ? '' : `(${others.join(' ')})`}${repeatable ? '*' : ''}${word}`
  const text = `[${summary.replace(/[[\]\\]/g, '\\$&')}]`
  return value === undefined ? `${start}${text}` : `${start}=${text}:${escaped(valueName)}:${actionOf(value)}`
}

function argSpec({ name, offer, repeatable }: ShellArgument, index: number): string {
  return `${repeatable ? '*' : index + 1}:${escaped(name)}:${actionOf(offer)}`
}

function actionOf(offer: Offer): string {
  if (offer === 'files') return '_files'
  if (offer === 'clients' || offer === 'accounts') return `_xmppki_${offer}`
  return offer.length === 0 ? ' ' : `(${offer.map(escaped).join(' ')})`
}

/** In a specification a colon separates. */
function escaped(text: string): string {
  return text.replace(/[\\:]/g, '\\$&')
}
