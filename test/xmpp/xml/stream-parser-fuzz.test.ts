import { describe, expect, it } from 'vitest'
import { LIMITS, OPEN, record } from './stream-recorder.ts'

/** Mulberry32: the same inputs in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const PIECES = [
  ...[
    '<',
    '>',
    '/',
    '/>',
    '</',
    '="',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    '\r',
    '&',
    ';',
    '&amp;',
    '&#',
    'x41;',
    '&lt',
    '&#x1F600;',
  ],
  ...['<!', '<!--', '-->', '<![CDATA[', ']]>', ']', '<?', '?>', '<?xml ', '<!DOCTYPE ', '[', '\0', '\ufeff', '\uffff'],
  ...['<a>', '</a>', '<a/>', '<b c="d">', '</b>', '<x:a xmlns:x="u">', '</x:a>', ' x:b="1"', ' xmlns="v"', ' xmlns=""'],
  ...[
    '<message to="a@b">',
    '</message>',
    '<body>',
    '</body>',
    '</stream:stream>',
    '<stream:x/>',
    'xml:lang="e"',
    ':',
    '__proto__',
  ],
  ...['é', '😀', 'Ж', 'text'],
]

function document(random: (below: number) => number): Buffer {
  let text = random(8) === 0 ? '' : OPEN
  for (let length = random(30); length > 0; length--) text += PIECES[random(PIECES.length)]
  const octets = Buffer.from(text)
  if (random(4) === 0 && octets.length > 0) octets[random(octets.length)] = random(256)
  return octets
}

function* cut(octets: Buffer, random: (below: number) => number): Generator<Buffer> {
  for (let at = 0; at < octets.length; ) {
    const to = Math.min(octets.length, at + 1 + random(12))
    yield octets.subarray(at, to)
    at = to
  }
}

const isElement = (event: string) => event.startsWith('<')

function same(actual: string[], expected: string[], input: Buffer): void {
  // Compared as text first: thousands of deep comparisons would take longer than the parsing.
  if (actual.join() !== expected.join()) expect(actual, JSON.stringify(input.toString())).toEqual(expected)
}

describe('StreamParser, any octets', () => {
  const small = { stanzaBytes: 60, depth: 3, attributes: 2 }

  it.each([
    [1, LIMITS],
    [2, small],
  ])('seed %i: chunks make no difference, and what is emitted is XML that means the same', (seed, limits) => {
    const random = generator(seed)
    const kinds = new Set<string>()
    for (let round = 0; round < 3000; round++) {
      const octets = document(random)
      const { events } = record([octets], limits)
      const elements = events.filter(isElement)
      same(record(cut(octets, random), limits).events, events, octets)
      same(record([OPEN, ...elements]).events, ['open', ...elements], octets)
      for (const event of events) kinds.add(isElement(event) ? 'element' : event)
    }
    expect([...kinds].sort()).toEqual([
      'close',
      'element',
      'fault bad-format',
      'fault not-well-formed',
      ...(limits === small ? ['fault policy-violation'] : []),
      'fault restricted-xml',
      'fault unsupported-encoding',
      'open',
    ])
  })

  it('reads random octets without an exception', () => {
    const random = generator(3)
    for (let round = 0; round < 2000; round++) {
      const octets = Buffer.from(Array.from({ length: random(60) }, () => random(256)))
      const { events } = record([OPEN, '<a>', octets])
      expect(events.length).toBeLessThanOrEqual(2)
    }
  })
})
