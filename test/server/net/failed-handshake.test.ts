import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf } from '../../../src/server/net/failed-handshake.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

const line = () => server.log.find('TLS handshakes fail')

describe('a handshake that fails', () => {
  it.each([
    { what: 'HTTP', code: 'ERR_SSL_HTTP_REQUEST', reason: 'http request' },
    { what: 'an old version of TLS', code: 'ERR_SSL_UNSUPPORTED_PROTOCOL', reason: 'unsupported protocol' },
  ])('is told of with its cause: $what', async ({ what, code, reason }) => {
    server.log.lines.length = 0
    const port = server.tlsPort
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
    const socket =
      what === 'HTTP' ? connect({ port }) : connectTls({ port, ...old, host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', () => undefined)
    if (what === 'HTTP') socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise((resolve) => socket.once('close', resolve))
    await expect.poll(line).toMatchObject({
      level: 'info',
      listener: '127.0.0.1:0 no. 2',
      remote: expect.stringMatching(/^[\d.:a-f]+:\d+$/),
      code,
      reason,
      failed: 1,
    })
  })

  it('is nothing to speak of when the client has hung up', () => {
    const gone = Object.assign(new Error('socket disconnected'), { code: 'ECONNRESET' })
    expect(failureOf(gone)).toBeUndefined()
  })
})
