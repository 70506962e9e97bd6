// CPU time of the server process per chat message from one client to another.
import { cpuMs, login, makeWorkspace, startUnlimited } from './support.mjs'

const MESSAGES = 40_000
const WARM_UP = 10_000
/** Messages on their way at any time: a lively server reads several at once, not one and not all. */
const WINDOW = 50

const MESSAGE =
  "<message to='bob@localhost' type='chat' id='m1'><body>A chat message of ordinary length, such as people send all day.</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>"

async function exchange(sender, receiver, count) {
  let received = 0
  let sent = 0
  let tail = ''
  const sendMore = () => {
    const batch = Math.min(count, received + WINDOW) - sent
    if (batch <= 0) return
    sent += batch
    sender.write(MESSAGE.repeat(batch))
  }
  await new Promise((resolve) => {
    const onData = (chunk) => {
      const text = tail + chunk
      const parts = text.split('</message>')
      tail = parts.pop()
      received += parts.length
      sendMore()
      if (received < count) return
      receiver.off('data', onData)
      resolve()
    }
    receiver.on('data', onData)
    sendMore()
  })
}

export async function chatMessages() {
  const workspace = makeWorkspace(['alice', 'bob'])
  const serve = await startUnlimited(workspace)
  try {
    const alice = await login(serve.ready.tlsPort, workspace.credentials('alice'))
    const bob = await login(serve.ready.tlsPort, workspace.credentials('bob'))
    bob.setEncoding('utf8')
    bob.write('<presence/>')
    await new Promise((resolve) => bob.once('data', resolve))
    await exchange(alice, bob, WARM_UP)
    const began = cpuMs(serve.pid)
    await exchange(alice, bob, MESSAGES)
    const each = ((cpuMs(serve.pid) - began) / MESSAGES) * 1000
    alice.destroy()
    bob.destroy()
    return {
      title: `Chat messages, CPU of the server per operation (${MESSAGES} messages, TLS 1.3)`,
      rows: [['xmppki serve', `${each.toFixed(1)} µs`, 'target at most 50']],
    }
  } finally {
    await serve.stop()
  }
}
