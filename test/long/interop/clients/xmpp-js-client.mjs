// @xmpp/client, told by its only argument (JSON) whom to be, and telling in lines of JSON what happens. Each line of
// standard input is a message to send; its end ends the client.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import tls from 'node:tls'
import { pathToFileURL } from 'node:url'

const { folder, port, ca, certificate, key, username, password, tag, agent } = JSON.parse(process.argv[2] ?? '{}')
const entry = createRequire(`${folder}/package.json`).resolve(folder)
const { client, xml } = await import(pathToFileURL(entry).href)

const tell = (event, facts) => console.log(JSON.stringify({ event, ...facts }))

// The library has no option for a certificate: what it connects with is completed on the way.
const connect = tls.connect
const own = certificate === undefined ? {} : { cert: readFileSync(certificate), key: readFileSync(key) }
const credentials = { ca: readFileSync(ca), ...own }
tls.connect = ({ host, port }) => connect({ host, port, servername: 'localhost', ...credentials })

class External {
  clientFirst = true
  response() {
    return ''
  }
}
External.prototype.name = 'EXTERNAL'

let used
const userAgent = xml('user-agent', { id: agent }, xml('software', {}, 'xmpp.js'))
const xmpp = client({
  service: `xmpps://127.0.0.1:${port}`,
  domain: 'localhost',
  resource: tag,
  credentials: (authenticate, [mechanism]) => {
    used = mechanism
    return authenticate({ username, password }, mechanism, userAgent)
  },
})
if (certificate !== undefined) xmpp.saslFactory.use(External)
xmpp.reconnect.stop()

const sent = []
xmpp.on('send', (element) => sent.push(element.name))
xmpp.on('error', ({ condition, message }) => tell('error', { condition, message }))
xmpp.on('online', async (jid) => {
  tell('online', { jid: jid.toString(), mechanism: used, sent: [...sent] })
  await xmpp.send(xml('presence'))
})
xmpp.on('stanza', (stanza) => {
  const body = stanza.getChildText('body')
  if (body !== null) tell('message', { from: stanza.attrs.from, body })
})
xmpp.on('disconnect', () => tell('disconnected', {}))

const input = createInterface({ input: process.stdin })
input.on('line', (line) => {
  const { to, body } = JSON.parse(line)
  xmpp.send(xml('message', { to, type: 'chat' }, xml('body', {}, body)))
})
input.on('close', async () => {
  await xmpp.stop()
  process.exit(0)
})
await xmpp.start().catch(({ condition, message }) => tell('refused', { condition, message }))
