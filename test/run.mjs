// `npm test`: types, lint, and every lane but the long ones, the interop lane with its set-up; `npm test -- PART...` runs some.
// `npm run test:long`: the long lanes alone, one of them with that set-up.
// Nothing stops at the first failure. The last line is `N passed, N failed`, with `, N skipped` when there are any.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'xmppki-test-'))
const isCi = process.env.CI === 'true'

/** Exit code of the set-up when it may not install what is missing. */
const NOT_POSSIBLE = 2
const GRACE_MS = 5_000

const bin = (...path) => join(root, 'node_modules', ...path)
const vitest = (...args) => [bin('vitest', 'vitest.mjs'), ...args, '--config', 'test/vitest.config.ts']

const running = new Set()

/** A whole process group, because a test's servers outlive the test runner otherwise. */
function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It has just ended by itself.
  }
}

/** Runs Node with these arguments; answers the exit code, or the reason why there is none. */
function run(args, seconds, stdout = 'inherit') {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'], detached: true })
  running.add(child)
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  return new Promise((resolve) => {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      signalGroup(child, 'SIGTERM')
      setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS).unref()
    }, seconds * 1000)
    child.on('error', (error) => finish(error.message))
    child.on('close', (code, signal) => {
      signalGroup(child, 'SIGKILL')
      finish(timedOut ? `not finished after ${seconds} s` : (code ?? `ended by ${signal}`))
    })
    function finish(ending) {
      clearTimeout(timer)
      running.delete(child)
      resolve({ ending, output })
    }
  })
}

const count = (passed, failed, skipped = 0, note = '', names = []) => ({ passed, failed, skipped, note, names })

/** A part that is one test: it passes or it does not. */
async function single(args, seconds) {
  const { ending } = await run(args, seconds)
  return ending === 0 ? count(1, 0) : count(0, 1, 0, typeof ending === 'string' ? ending : '')
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** Tests that failed, each in a line of its own. */
function failures(testResults) {
  return testResults.flatMap(({ name, status, message, assertionResults: tests }) => {
    const file = relative(root, name)
    const failed = tests
      .filter((test) => test.status === 'failed')
      .map(({ fullName, failureMessages }) => `${file} > ${fullName}: ${firstLine(failureMessages.join('\n'))}`)
    // Outside of its tests: when it was loaded, or when it cleared up.
    return status === 'failed' && failed.length === 0 ? [`${file}: ${firstLine(message)}`] : failed
  })
}

const firstLine = (text) => text.trim().split('\n', 1)[0].slice(0, 300)

/** What vitest counted. A file that cannot be loaded has no tests, and counts as one that failed. */
function tally({ ending }, report) {
  if (report === undefined) return count(0, 1, 0, `no report of vitest (${ending})`)
  const { numPassedTests: passed, numPendingTests: pending, numTodoTests: todo, testResults } = report
  const broken = testResults.filter(({ status, assertionResults: tests }) => status === 'failed' && tests.length === 0)
  const failed = report.numFailedTests + broken.length
  if (failed > 0) return count(passed, failed, pending + todo, '', failures(testResults))
  if (passed === 0) return count(0, 1, pending + todo, 'no test was run')
  if (ending !== 0) return count(passed, 1, pending + todo, `vitest ended with ${ending}`, failures(testResults))
  return count(passed, 0, pending + todo)
}

async function lane(project, seconds) {
  const file = join(scratch, `${project}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  // One of them waits for a clock or for a server most of the time. By itself vitest leaves a processor idle instead.
  const workers = `--maxWorkers=${availableParallelism() + 1}`
  const ran = await run(vitest('run', '--project', project, workers, ...reporters), seconds)
  return tally(ran, readReport(file))
}

/** The tests of a lane that cannot run here, by number. */
async function skippedLane(project, note) {
  const { output } = await run(vitest('list', '--project', project, '--json'), 60, 'pipe')
  const tests = JSON.parse(output.slice(output.indexOf('[')))
  return isCi ? count(0, tests.length, 0, note) : count(0, 0, tests.length, note)
}

/** A lane whose tests talk to programs of others. */
async function laneWithPrograms(project, seconds) {
  const { ending } = await run(['test/interop/setup.mjs'], 600)
  if (ending === NOT_POSSIBLE) return skippedLane(project, 'programs are missing, see above')
  if (ending !== 0) return count(0, 1, 0, 'the set-up failed, see above')
  console.log('')
  return lane(project, seconds)
}

// Several times what a slow machine with two cores takes.
const PARTS = {
  types: () => single([bin('typescript', 'bin', 'tsc'), '--noEmit'], 90),
  lint: () => single([bin('@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.'], 60),
  fast: () => lane('fast', 600),
  cli: () => lane('cli', 600),
  interop: () => laneWithPrograms('interop', 900),
  long: () => lane('long', 1200),
  'long-interop': () => laneWithPrograms('long-interop', 1500),
}

/** What is run when nobody says what. */
const USUAL = Object.keys(PARTS).filter((name) => !name.startsWith('long'))

async function runPart(name) {
  console.log(`\n=== ${name} ===`)
  const began = Date.now()
  const result = await PARTS[name]().catch((error) => count(0, 1, 0, String(error)))
  return { name, ...result, seconds: (Date.now() - began) / 1000 }
}

const counts = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

function summarize(results) {
  console.log('\n=== summary ===')
  for (const result of results) {
    const note = result.note === '' ? '' : ` (${result.note})`
    console.log(`${result.name.padEnd(12)} ${result.seconds.toFixed(1).padStart(6)} s  ${counts(result)}${note}`)
  }
  for (const { name, failed, note, names } of results) {
    const lines = failed > 0 && names.length === 0 ? [note || 'see above'] : names
    for (const line of lines) console.log(`FAILED ${name}: ${line}`)
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  const total = count(sum('passed'), sum('failed'), sum('skipped'))
  console.log(counts(total))
  return total
}

async function main(wanted) {
  const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name))
  if (unknown !== undefined) {
    console.error(`error: there is no part '${unknown}'\nhint: choose from ${Object.keys(PARTS).join(', ')}`)
    return 2
  }
  const results = []
  for (const name of wanted.length > 0 ? wanted : USUAL) results.push(await runPart(name))
  return summarize(results).failed === 0 ? 0 : 1
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of running) signalGroup(child, signal)
    rmSync(scratch, { recursive: true, force: true })
    process.kill(process.pid, signal)
  })
}
process.exitCode = await main(process.argv.slice(2))
rmSync(scratch, { recursive: true, force: true })
