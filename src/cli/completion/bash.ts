import type { Offer, ShellNode } from './command-tree.ts'
import { quoted } from './quoted.ts'

/** What fills `templates/completion/bash`. */
export function bashParts(nodes: readonly ShellNode[]): Record<string, string> {
  return {
    places: alternatives(nodes.filter(({ path }) => path !== '').map(({ path }) => path)),
    flagValues: cases(nodes.flatMap(flagValues)),
    args: cases(nodes.flatMap(argumentOffers)),
    children: cases(nodes.map(({ path, children }) => [path, children.map(({ word }) => word).join(' ')])),
    flags: cases(nodes.map(({ path, flags }) => [path, flags.map(({ word }) => word).join(' ')])),
  }
}

type Case = readonly [pattern: string, reply: string]

function flagValues({ path, flags }: ShellNode): Case[] {
  return flags.flatMap(({ word, value }): Case[] =>
    value === undefined ? [] : [[`${path} ${word}`, `value ${replyOf(value)}`]],
  )
}

function argumentOffers({ path, args }: ShellNode): Case[] {
  return args.map(({ offer, repeatable }, index) => [`${path} ${repeatable ? '*' : index}`, replyOf(offer)])
}

function replyOf(offer: Offer): string {
  return typeof offer === 'string' ? `:${offer}` : offer.join(' ')
}

function alternatives(patterns: readonly string[]): string {
  return patterns.map((pattern) => quoted(pattern).replace(/\*'$/, "'*")).join('|')
}

/** One branch for all patterns that have the same reply; those without one are left out. */
function cases(entries: readonly Case[]): string {
  const byReply = new Map<string, string[]>()
  for (const [pattern, reply] of entries) {
    if (reply !== '') byReply.set(reply, [...(byReply.get(reply) ?? []), pattern])
  }
  return [...byReply].map(([reply, patterns]) => `    ${alternatives(patterns)}) REPLY=${quoted(reply)} ;;`).join('\n')
}
