// What those cost who come to the door: a login, beside the build of another version if one is given; strangers with
// certificates that are made to be dear, beside a bare Node server that never reads them; and a long CRL on the way in.
import { Contender, handshake, measureInTurn } from './contender.mjs'
import { hostileCertificates } from './hostile.mjs'
import { longList } from './long-list.mjs'
import {
  cli,
  connectTls,
  login,
  makeWorkspace,
  median,
  openStream,
  startFloor,
  startServe,
  startWatched,
} from './support.mjs'

/** bin/xmppki.cjs of another version, built. */
const REFERENCE = process.env.XMPPKI_BENCH_REFERENCE
const USERS = 300
const LOGINS = { warmUp: 6000, rounds: 8, each: 300 }
/** Times that both versions are started: what V8 makes of a program is not the same in each process. */
const STARTS = 3
const HOSTILE = { warmUp: 1000, rounds: 6, each: 100 }
/** Connections of a round; the process has its size after some thousands, its code among it. */
const FLOOD = { warmUp: 5000, rounds: 4, each: 1000 }
const AT_ONCE = 10

/** Starts them and measures them in turn; `all` are promises of contenders. */
async function contest(all, measured) {
  const contenders = await Promise.all(all)
  try {
    await measureInTurn(contenders, measured)
  } finally {
    for (const one of contenders) await one.stop()
  }
  return contenders
}

/** As often as the cost of each start of another: the median, and all of them. */
function ratio(pairs) {
  const ratios = pairs.map(([one, other]) => one.times(other))
  return `${median(ratios).toFixed(2)} times as much; starts: ${ratios.map((each) => each.toFixed(2)).join(', ')}`
}

const costOf = (contenders) => `${median(contenders.map(({ cost }) => cost)).toFixed(2)} ms`

async function loginCost(workspace, users) {
  const credentialsIn = ({ credentials }) => users.map((user) => credentials(user))
  const known = credentialsIn(workspace)
  const bare = async () => new Contender(await startFloor(workspace, 'bare-tls.mjs'), known, handshake)
  const serve = async () => new Contender(await startServe(workspace), known, login)
  const [floor, first] = await contest([bare(), serve()], LOGINS)
  const rows = [
    ['bare Node TLS handshake', costOf([floor]), ''],
    ['login', costOf([first]), `${first.times(floor).toFixed(2)} times a bare handshake`],
  ]
  if (REFERENCE === undefined) {
    return [...rows, ['login, another version', '-', 'XMPPKI_BENCH_REFERENCE=…/bin/xmppki.cjs names one']]
  }
  // With a workspace of its own, for it may not be able to open that of a later version.
  const earlier = makeWorkspace(users, REFERENCE)
  const other = async () => new Contender(await startServe(earlier, REFERENCE), credentialsIn(earlier), login)
  const pairs = []
  for (let start = 0; start < STARTS; start++) pairs.push(await contest([serve(), other()], LOGINS))
  return [...rows, ['login, another version', costOf(pairs.map(([, one]) => one)), `this one takes ${ratio(pairs)}`]]
}

/** Comes, hears what it may log in with, and goes. */
async function visit(port, credentials) {
  const socket = await connectTls(port, credentials)
  await openStream(socket)
  return socket
}

/** Beside a bare server, and beside one that reads what was sent and answers, whatever it is: the floor of a judgement. */
async function hostileCost(workspace, [what, credentials]) {
  const bare = async () => new Contender(await startFloor(workspace, 'bare-tls.mjs'), [credentials], handshake)
  const reader = async () =>
    new Contender(await startFloor(workspace, 'canned-xmpp.mjs', '--read-chain'), [credentials], visit)
  const serve = async () => new Contender(await startServe(workspace, undefined, 'ignore'), [credentials], visit)
  const [first, floor, ours] = await contest([bare(), reader(), serve()], HOSTILE)
  const times = `${ours.times(first).toFixed(2)} times a bare handshake, ${ours.times(floor).toFixed(2)} times one that is read`
  return [what, costOf([ours]), times]
}

/** What a connection leaves behind when the same flood comes again, in KiB: of all rounds together, and of each. */
async function memorySlope(workspace, credentials) {
  const serve = await startWatched(workspace)
  const flood = async (count) => {
    const one = async () => (await visit(serve.ready.tlsPort, credentials)).destroy()
    for (let n = 0; n < count; n += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, one))
  }
  try {
    await flood(FLOOD.warmUp)
    const sizes = [(await serve.memory()).rss]
    for (let round = 0; round < FLOOD.rounds; round++) {
      await flood(FLOOD.each)
      sizes.push((await serve.memory()).rss)
    }
    const rounds = sizes.slice(1).map((size, round) => (size - sizes[round]) / 1024 / FLOOD.each)
    return { slope: rounds.reduce((sum, each) => sum + each, 0) / rounds.length, rounds }
  } finally {
    await serve.stop()
  }
}

export async function door() {
  const users = Array.from({ length: USERS }, (_, index) => `user${index}`)
  const workspace = makeWorkspace(users)
  const rows = await loginCost(workspace, users)
  const hostile = hostileCertificates()
  for (const entry of Object.entries(hostile)) rows.push(await hostileCost(workspace, entry))
  for (const what of ['a chain of 4 CAs, 13 KB each', 'a chain of 6 CAs, 13 KB each']) {
    const { slope, rounds } = await memorySlope(workspace, hostile[what])
    const shown = rounds.map((each) => each.toFixed(1)).join(', ')
    rows.push([`${what}, memory left`, `${slope.toFixed(2)} KiB`, `a connection; rounds: ${shown}; target at most 1`])
  }
  rows.push(...(await longList(workspace, cli)))
  return { title: 'The door: CPU of the server for each connection, direct TLS 1.3, P-256; target 1.2 times', rows }
}
