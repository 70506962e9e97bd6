// What those cost who come to the door: a login, beside the build of another version if one is given; strangers with
// certificates that are made to be dear, beside a bare Node server that never reads them; and a long CRL on the way in.
import { fileURLToPath } from 'node:url'
import { Contender, handshake, measureInTurn } from './contender.mjs'
import { hostileCertificates } from './hostile.mjs'
import { longList } from './long-list.mjs'
import { cli, connectTls, login, makeWorkspace, openStream, startJson, startServe, startWatched } from './support.mjs'

/** bin/xmppki.cjs of another version, built. */
const REFERENCE = process.env.XMPPKI_BENCH_REFERENCE
const USERS = 300
const LOGINS = { warmUp: 4000, rounds: 8, each: 400 }
const HOSTILE = { warmUp: 300, rounds: 6, each: 60 }
const FLOOD = 400
const AT_ONCE = 10

const script = (name) => fileURLToPath(new URL(name, import.meta.url))

/** With a workspace of its own, for it may not be able to open that of a later version. */
async function otherVersion(users) {
  const workspace = makeWorkspace(users, REFERENCE)
  const credentials = users.map((user) => workspace.credentials(user))
  return new Contender(await startServe(workspace, REFERENCE), credentials, login)
}

async function loginCost(workspace, users) {
  const credentials = users.map((user) => workspace.credentials(user))
  const files = [workspace.key, workspace.chain, workspace.ca]
  const bare = new Contender(await startJson([script('bare-tls.mjs'), ...files]), credentials, handshake)
  const serve = new Contender(await startServe(workspace), credentials, login)
  const other = REFERENCE && (await otherVersion(users))
  const all = [bare, serve, ...(other === undefined ? [] : [other])]
  try {
    await measureInTurn(all, LOGINS)
    const row = (what, one) => [what, `${one.cost.toFixed(2)} ms`, `${one.times(bare).toFixed(2)} times the first`]
    const last =
      other === undefined
        ? ['login, another version', '-', 'XMPPKI_BENCH_REFERENCE=…/bin/xmppki.cjs names one']
        : [
            'login, another version',
            `${other.cost.toFixed(2)} ms`,
            `this one takes ${serve.times(other).toFixed(2)} times as much`,
          ]
    return [row('bare Node TLS handshake', bare), row('login', serve), last]
  } finally {
    for (const one of all) await one.stop()
  }
}

/** Comes, hears what it may log in with, and goes. */
async function visit(port, credentials) {
  const socket = await connectTls(port, credentials)
  await openStream(socket)
  return socket
}

async function hostileCost(workspace, [what, credentials]) {
  const files = [workspace.key, workspace.chain, workspace.ca]
  const bare = new Contender(await startJson([script('bare-tls.mjs'), ...files]), [credentials], handshake)
  const canned = new Contender(await startJson([script('canned-xmpp.mjs'), ...files]), [credentials], visit)
  const serve = new Contender(await startServe(workspace), [credentials], visit)
  const all = [bare, canned, serve]
  try {
    await measureInTurn(all, HOSTILE)
    const times = `${serve.times(bare).toFixed(2)} times a bare handshake, ${serve.times(canned).toFixed(2)} times one with canned answers`
    return [what, `${serve.cost.toFixed(2)} ms`, times]
  } finally {
    for (const one of all) await one.stop()
  }
}

/** What a connection leaves behind when the same flood comes again, in KiB; of all rounds the least. */
async function memorySlope(workspace, credentials) {
  const serve = await startWatched(workspace)
  const flood = async () => {
    const one = async () => (await visit(serve.ready.tlsPort, credentials)).destroy()
    for (let n = 0; n < FLOOD; n += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, one))
  }
  try {
    await flood()
    const slopes = []
    let before = await serve.memory()
    for (let round = 0; round < 6; round++) {
      await flood()
      const after = await serve.memory()
      slopes.push(
        (after.rss + after.heapUsed + after.external - before.rss - before.heapUsed - before.external) / 1024 / FLOOD,
      )
      before = after
    }
    return slopes
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
    const slopes = await memorySlope(workspace, hostile[what])
    const shown = slopes.map((slope) => slope.toFixed(1)).join(', ')
    rows.push([
      `${what}, memory left`,
      `${Math.min(...slopes).toFixed(2)} KiB`,
      `a connection; rounds: ${shown}; target at most 1`,
    ])
  }
  rows.push(...(await longList(workspace, cli)))
  return { title: 'The door: CPU of the server for each connection, direct TLS 1.3, P-256; target 1.2 times', rows }
}
