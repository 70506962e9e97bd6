// npm run bench: figures side by side, from one run on one machine. Nothing here passes or fails.
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { cliStart } from './cli-start.mjs'
import { crowd } from './crowd.mjs'
import { door } from './door.mjs'
import { idleSessions } from './idle.mjs'
import { issueBatch } from './issue.mjs'
import { certificateLogin } from './login.mjs'
import { chatMessages } from './messages.mjs'
import { pairedMessages } from './pairs.mjs'
import { parseMessages } from './parse.mjs'
import { revocation } from './revocation.mjs'

const ALL = {
  start: cliStart,
  login: certificateLogin,
  door,
  parse: parseMessages,
  messages: chatMessages,
  pairs: pairedMessages,
  idle: idleSessions,
  crowd,
  issue: issueBatch,
  revocation,
}

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !(name in ALL))
if (unknown !== undefined) {
  console.error(`unknown benchmark '${unknown}'; choose from ${Object.keys(ALL).join(', ')}`)
  process.exit(2)
}

execFileSync(process.execPath, [fileURLToPath(new URL('../../bin/build.mjs', import.meta.url))], { stdio: 'inherit' })
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`)
for (const name of wanted.length > 0 ? wanted : Object.keys(ALL)) {
  const { title, rows } = await ALL[name]()
  console.log(title)
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)))
  for (const [what, value, remark] of rows) {
    console.log(`  ${what.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${remark}`.trimEnd())
  }
  console.log()
}
