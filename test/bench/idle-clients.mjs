// Clients that log in and fall silent, in a process of their own. The arguments are the port and a file of JSON with the key
// and the certificate of each user. A line on standard input says `visit` and how many shall log in and go again, or `stay`
// and how many shall be there; it is answered when that is done.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { login } from './support.mjs'

const AT_ONCE = 10

const [port, file] = process.argv.slice(2)
const users = JSON.parse(readFileSync(file, 'utf8'))
const sockets = []
let turn = 0

function logInSome(count) {
  const one = () => login(Number(port), users[turn++ % users.length])
  return Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, one))
}

for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(' ')
  if (what === 'visit') {
    for (let done = 0; done < count; done += AT_ONCE)
      for (const socket of await logInSome(count - done)) socket.destroy()
  } else {
    while (sockets.length < count) sockets.push(...(await logInSome(count - sockets.length)))
  }
  console.log(line)
}
