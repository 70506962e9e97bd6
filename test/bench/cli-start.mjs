// How long the CLI takes to say anything, beside the bare start of Node.
import { spawnSync } from 'node:child_process'
import { cli, median } from './support.mjs'

const ROUNDS = 10

function milliseconds(args) {
  const began = process.hrtime.bigint()
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed`)
  return Number(process.hrtime.bigint() - began) / 1e6
}

/** Both take turns, so that a busy moment of the machine meets both. */
export async function cliStart() {
  const bare = []
  const help = []
  milliseconds([cli, '--help'])
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(milliseconds(['-e', '0']))
    help.push(milliseconds([cli, '--help']))
  }
  const ratio = median(help) / median(bare)
  return {
    title: 'CLI start, median of 10 (wall clock)',
    rows: [
      ['node -e 0', `${median(bare).toFixed(0)} ms`, ''],
      ['xmppki --help', `${median(help).toFixed(0)} ms`, `${ratio.toFixed(2)} times, target at most 1.5`],
    ],
  }
}
