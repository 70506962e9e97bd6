import type { Offer, ShellFlag, ShellNode } from './command-tree.ts'

/** What fills `templates/completion/fish`. */
export function fishParts(nodes: readonly ShellNode[]): Record<string, string> {
  const places = nodes.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  return { places: places.join(' '), completions: nodes.flatMap(completionsOf).join('\n') }
}

function completionsOf({ path, children, flags, args }: ShellNode): string[] {
  const start = `complete -c xmppki -n ${quoted(`__xmppki_at ${quoted(path)}`)}`
  const offers = new Set(args.flatMap(({ offer }) => argumentsFor(offer)))
  return [
    ...children.map(({ word, summary }) => `${start} -a ${word} -d ${quoted(summary)}`),
    ...flags.map((flag) => `${start} ${flagOptions(flag)}`),
    ...[...offers].map((offer) => `${start} ${offer}`),
  ]
}

function flagOptions({ word, summary, value }: ShellFlag): string {
  const named = `-l ${word.replace(/^--/, '')} -d ${quoted(summary)}`
  if (value === undefined) return named
  const [offer = ''] = argumentsFor(value)
  return value === 'files' ? `${named} -r -F` : `${named} -x ${offer}`.trimEnd()
}

function argumentsFor(offer: Offer): string[] {
  if (offer === 'files') return ['-F']
  if (offer === 'clients') return [`-a ${quoted('(__xmppki_names client)')}`]
  if (offer === 'accounts') return [`-a ${quoted('(__xmppki_names user)')}`]
  return offer.length === 0 ? [] : [`-a ${quoted(offer.join(' '))}`]
}

/** As one word of fish, which knows \\' between single quotes. */
function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
