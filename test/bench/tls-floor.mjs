// A TLS server made with nothing but Node, as ours is set up; the arguments are key, chain and CA. With `--tickets` it sends
// session tickets, as Node does unless it is told not to.
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'

/** Listens on loopback, says where in one line of JSON, and leaves every connection to `attend`. */
export function serveTls(attend) {
  const [key, cert, ca] = process.argv.slice(2, 5).map((path) => readFileSync(path))
  const tickets = process.argv.includes('--tickets') ? 0 : constants.SSL_OP_NO_TICKET
  const secureOptions = tickets | constants.SSL_OP_NO_RENEGOTIATION
  const asking = { requestCert: true, rejectUnauthorized: false }
  const server = createServer({ key, cert, ca, ...asking, ALPNProtocols: ['xmpp-client'], secureOptions }, (socket) => {
    socket.on('error', () => undefined)
    attend(socket)
  })
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ tlsPort: server.address().port })))
}
