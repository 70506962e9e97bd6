import { connect } from 'node:net'

/** It answers at once unless something swallows the question, or the whole machine stands still. */
const LIMIT_MS = 5_000

/** What is reached from this machine when somebody listens on all addresses. */
const ALL_ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  '::': ['::1', '127.0.0.1'],
  '0.0.0.0': ['127.0.0.1'],
}

/** Whether somebody accepts connections at this address of this machine, or at any where it means all. */
export async function isListening(address: string, port: number): Promise<boolean> {
  const answers = await Promise.all((ALL_ADDRESSES[address] ?? [address]).map((host) => accepts(host, port)))
  return answers.includes(true)
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LIMIT_MS })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}
