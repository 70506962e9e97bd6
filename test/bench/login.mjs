// CPU time of the server process per certificate login, beside the bare TLS handshake that it needs and beside ejabberd.
import { Contender, handshake, measureInTurn } from './contender.mjs'
import { startEjabberd } from './ejabberd.mjs'
import { login, makeWorkspace, startFloor, startServe } from './support.mjs'

/** As many certificates, taken in turn: whoever remembers one of them gains nothing before all others were there. */
const USERS = 1000
/** V8 compiles until about here, on threads that count as well; a server is not started for so few logins. */
const WARM_UP = 6000
const ROUNDS = 8
const LOGINS = 500

async function contenders() {
  const users = Array.from({ length: USERS }, (_, index) => `user${index}`)
  const workspace = makeWorkspace(users)
  const credentials = users.map((user) => workspace.credentials(user))
  const bare = new Contender(await startFloor(workspace, 'bare-tls.mjs'), credentials, handshake)
  const canned = new Contender(await startFloor(workspace, 'canned-xmpp.mjs'), credentials, login)
  const serve = new Contender(await startServe(workspace), credentials, login)
  const other = await startEjabberd(workspace)
  return { bare, canned, serve, ejabberd: other && new Contender(other, credentials, login) }
}

export async function certificateLogin() {
  const { bare, canned, serve, ejabberd } = await contenders()
  const all = [bare, canned, serve, ...(ejabberd === undefined ? [] : [ejabberd])]
  try {
    await measureInTurn(all, { warmUp: WARM_UP, rounds: ROUNDS, each: LOGINS })
    const row = (what, one) => [what, `${one.cost.toFixed(2)} ms`, `${one.times(bare).toFixed(2)} times`]
    const last =
      ejabberd === undefined ? ['ejabberd', '-', 'not installed: npm run test:setup'] : row('ejabberd', ejabberd)
    const measured = `${USERS} certificates, median of ${ROUNDS} rounds of ${LOGINS} logins over direct TLS 1.3, P-256`
    return {
      title: `Certificate login, CPU of the server per operation (${measured})`,
      rows: [
        row('bare Node TLS handshake', bare),
        row('the same with canned answers', canned),
        row('xmppki serve, to a bound resource', serve),
        last,
      ],
    }
  } finally {
    for (const contender of all) await contender.stop()
  }
}
