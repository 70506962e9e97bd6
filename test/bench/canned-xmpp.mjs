// What a login costs without anybody looking at it: the answers of our server, one for whatever comes next. With
// `--read-chain` it asks Node for the certificates that were sent, as everybody has to who wants to judge them.
import { serveTls } from './tls-floor.mjs'

const HEADER =
  '<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" from="localhost" id="6f0c2d3e-5d0b-4b43-9c41-0c2b4bd7b7a5" version="1.0" xml:lang="en">'
const ANSWERS = [
  `${HEADER}<stream:features><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>EXTERNAL</mechanism></mechanisms><authentication xmlns="urn:xmpp:sasl:2"><mechanism>EXTERNAL</mechanism><inline><bind xmlns="urn:xmpp:bind:0"/></inline></authentication></stream:features>`,
  '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>',
  `${HEADER}<stream:features><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/><session xmlns="urn:ietf:params:xml:ns:xmpp-session"><optional/></session></stream:features>`,
  '<iq type="result" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>user0@localhost/07ZbpvejzlGh</jid></bind></iq>',
]

const READS = process.argv.includes('--read-chain')

serveTls((socket) => {
  if (READS) socket.getPeerCertificate(true)
  const answers = ANSWERS.values()
  socket.on('data', () => socket.write(answers.next().value ?? ''))
})
