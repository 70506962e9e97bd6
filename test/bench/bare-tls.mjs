// The floor of a certificate login: a Node TLS server that asks for the certificate and does nothing else.
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'

const [key, chain, ca] = process.argv.slice(2).map((path) => readFileSync(path))
const server = createServer(
  {
    key,
    cert: chain,
    ca,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['xmpp-client'],
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  },
  (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.write('x')
  },
)
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ tlsPort: server.address().port })))
