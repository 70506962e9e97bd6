// The floor of a certificate login: a Node TLS server that asks for the certificate and does nothing else.
import { serveTls } from './tls-floor.mjs'

serveTls((socket) => {
  socket.on('data', () => undefined)
  socket.write('x')
})
