import { writeFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { CliHome } from '../support/processes/cli.ts'
import { leastGrowth } from '../support/processes/growth.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { RawClient } from '../support/streams/xmpp-client.ts'

const CONNECTIONS = 240
const AT_ONCE = 12
/** Bytes that a connection may leave behind: any of the certificates that it has sent is more. */
const LEFT = 1024

const cli = new CliHome()
const partner = new OpensslCa('Partner CA')
const stranger = new OpensslCa('Stranger CA')
let serve: ServeProcess
let port: number

beforeAll(async () => {
  await cli.run(['ca', 'init', '--no-passphrase'])
  await cli.run(['server', 'issue', 'localhost'])
  writeFileSync(cli.path('partner.crt'), partner.credentials.cert)
  const listener = (mode: string) =>
    `[[listen.c2s]]\nport = 0\ntls = { mode = "${mode}", cacertfile = "partner.crt" }\n`
  writeFileSync(cli.path('door.toml'), listener('starttls') + listener('tls'))
  serve = new ServeProcess(['--home', cli.home, '--config', cli.path('door.toml')], {}, { isWatched: true })
  port = (await serve.listening()).tlsPort
})
afterAll(async () => {
  await serve?.stop()
  cli.remove()
  for (const ca of [partner, stranger]) ca.remove()
})

/** Below so many CAs with so many bytes of names each. */
function tower(ca: OpensslCa, height: number, bytes: number): Credentials {
  const dnsNames = Array.from({ length: bytes / 20 }, (_, n) => `h${String(n).padStart(5, '0')}.example.org`)
  let issuer = ca.credentials
  for (let level = 0; level < height; level++) {
    const request = { subject: `/CN=Level ${level}`, ca: true, dnsNames }
    issuer = level === 0 ? ca.issue(request) : ca.issueBelow(issuer, request)
  }
  return ca.issueBelow(issuer, { subject: '/CN=alice', xmppAddrs: ['alice@localhost'] })
}

const KINDS: readonly { readonly what: string; readonly credentials: () => Credentials; readonly offered: boolean }[] =
  [
    { what: 'a chain that is read', credentials: () => tower(stranger, 4, 13_000), offered: false },
    { what: 'a chain that is too large', credentials: () => tower(stranger, 6, 13_000), offered: false },
    { what: 'an honest client below an intermediate CA', credentials: () => tower(partner, 1, 20), offered: true },
  ]

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s nothing is left of what clients have sent', (version) => {
  it.each(KINDS)('$what', { timeout: 240_000 }, async ({ credentials, offered }) => {
    const secureContext = createSecureContext({ ...credentials(), minVersion: version, maxVersion: version })
    const visit = async () => {
      const client = await RawClient.direct({ port, tls: { secureContext } })
      expect((await client.open()).includes('EXTERNAL')).toBe(offered)
      client.destroy()
    }
    const flood = async () => {
      for (let n = 0; n < CONNECTIONS; n += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, visit))
    }
    await flood()
    const all = async () => {
      const { held, resident } = await serve.memory()
      return held + resident
    }
    const bound = CONNECTIONS * LEFT
    expect(await leastGrowth(flood, all, bound)).toBeLessThan(bound)
  })
})
