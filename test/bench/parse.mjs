// What it costs to make a tree of a chat message: the parser alone, in this process, beside that of another version if one
// is given.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { median } from './support.mjs'

/** bin/xmppki.cjs of another version, in a tree with its sources. */
const REFERENCE = process.env.XMPPKI_BENCH_REFERENCE
const ROUNDS = 40
/** Until here V8 compiles. */
const WARM_UP = 10
const MESSAGES = 5000
const LIMITS = { stanzaBytes: 262_144, depth: 50, attributes: 50 }
const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
const READS = [
  ['one a read', 1],
  ['50 a read', 50],
]
const KINDS = [
  ['ASCII', 'e'],
  ['ä', 'ä'],
  ['&apos;', '&apos;'],
  ['emoji', '😀'],
]

function message(character) {
  return `<message to='bob@localhost' type='chat' id='m1'><body>A chat message of ordinary length, such as peopl${character} send all day.</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
}

/** The parser of a version, bundled as its release is. */
async function loadParser(root, folder, name) {
  const outfile = join(folder, `${name}.mjs`)
  const entryPoints = [join(root, 'src/xmpp/xml/stream-parser.ts')]
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', mainFields: ['module', 'main'] })
  return (await import(pathToFileURL(outfile))).StreamParser
}

/** A version of the parser with one kind of message in one size of reads. */
class Reading {
  #Parser
  #chunk
  #perRead
  #costs = []

  constructor(Parser, character, perRead) {
    this.#Parser = Parser
    this.#chunk = Buffer.from(message(character).repeat(perRead))
    this.#perRead = perRead
  }

  /** CPU-µs of each message. */
  get cost() {
    return median(this.#costs)
  }

  /** How often the cost of another: of each round, as the speed of the machine is not the same in all of them. */
  times(other) {
    return median(this.#costs.map((cost, round) => cost / other.#costs[round]))
  }

  run() {
    let count = 0
    const fault = (condition) => {
      throw new Error(condition)
    }
    const element = () => {
      count += 1
    }
    const parser = new this.#Parser({ open() {}, element, close() {}, fault }, LIMITS)
    parser.write(Buffer.from(HEADER))
    const began = process.cpuUsage()
    for (let read = 0; read < MESSAGES; read += this.#perRead) parser.write(this.#chunk)
    const { user, system } = process.cpuUsage(began)
    if (count !== MESSAGES) throw new Error(`${count} messages of ${MESSAGES}`)
    return (user + system) / count
  }

  measure() {
    this.#costs.push(this.run())
  }
}

/** Those of one kind beside each other, so that nobody always comes after what made the most garbage. */
function measureInTurn(readings) {
  for (let round = 0; round < WARM_UP; round++) for (const reading of readings) reading.run()
  for (let round = 0; round < ROUNDS; round++) {
    for (const reading of round % 2 === 0 ? readings : readings.toReversed()) reading.measure()
  }
}

function rowOf([kind, reads], [reading, other], ascii) {
  const remarks = [
    ...(reading === ascii ? [] : [`${reading.times(ascii).toFixed(2)} times ASCII, target at most 2`]),
    ...(other ? [`${reading.times(other).toFixed(2)} times the other version, ${other.cost.toFixed(2)} µs`] : []),
  ]
  return [`${kind}, ${reads}`, `${reading.cost.toFixed(2)} µs`, remarks.join('; ')]
}

export async function parseMessages() {
  const folder = mkdtempSync(join(tmpdir(), 'xmppki-bench-'))
  try {
    const parsers = [await loadParser(fileURLToPath(new URL('../..', import.meta.url)), folder, 'this')]
    if (REFERENCE !== undefined) parsers.push(await loadParser(join(REFERENCE, '../..'), folder, 'reference'))
    const bySize = READS.map(([reads, perRead]) =>
      KINDS.map(([kind, character]) => ({
        name: [kind, reads],
        readings: parsers.map((Parser) => new Reading(Parser, character, perRead)),
      })),
    )
    measureInTurn(bySize.flat().flatMap(({ readings }) => readings))
    const rows = bySize.flatMap((all) => all.map(({ name, readings }) => rowOf(name, readings, all[0].readings[0])))
    return { title: `Parsing, CPU of each chat message (${MESSAGES} messages, ${ROUNDS} times)`, rows }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
