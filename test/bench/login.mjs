// CPU time of the server process per certificate login, beside the bare TLS handshake that it needs.
import { fileURLToPath } from 'node:url'
import { connectTls, cpuMs, login, makeWorkspace, startJson, startServe } from './support.mjs'

const LOGINS = 1000
const WARM_UP = 300

async function measure(server, connect) {
  for (let n = 0; n < WARM_UP; n++) (await connect()).destroy()
  const began = cpuMs(server.pid)
  for (let n = 0; n < LOGINS; n++) (await connect()).destroy()
  return (cpuMs(server.pid) - began) / LOGINS
}

export async function certificateLogin() {
  const workspace = makeWorkspace(['alice'])
  const credentials = workspace.credentials('alice')
  const bareScript = fileURLToPath(new URL('bare-tls.mjs', import.meta.url))
  const bare = await startJson([bareScript, workspace.key, workspace.chain, workspace.ca])
  const serve = await startServe(workspace)
  try {
    const floor = await measure(bare, async () => {
      const socket = await connectTls(bare.ready.tlsPort, credentials)
      await new Promise((resolve) => socket.once('data', resolve))
      return socket
    })
    const ours = await measure(serve, () => login(serve.ready.tlsPort, credentials))
    return {
      title: `Certificate login, CPU of the server per operation (${LOGINS} logins, TLS 1.3, P-256)`,
      rows: [
        ['bare Node TLS handshake', `${floor.toFixed(2)} ms`, ''],
        ['xmppki serve, to a bound resource', `${ours.toFixed(2)} ms`, `${(ours / floor).toFixed(2)} times`],
      ],
    }
  } finally {
    await serve.stop()
    await bare.stop()
  }
}
