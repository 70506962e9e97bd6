import { sign } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TAG } from '../../src/pki/der/der.ts'
import { element, oid, sequence } from '../../src/pki/der/der-writer.ts'
import { OID } from '../../src/pki/der/oids.ts'
import { encodePem } from '../../src/pki/der/pem.ts'
import { TrustAnchors } from '../../src/trust/anchors.ts'
import { generator } from '../pki/mutations.ts'
import { type Made, madeRoot, NOON } from '../support/certificates/small-pki.ts'
import { NEVER_MS, startTestServer, type TestServer } from '../support/servers/server.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'
import { signedPart, spoil } from './reshape.ts'

const LOGINS = Number(process.env['XMPPKI_SOAK_LOGINS'] ?? 1_500)
/** Another one may be given to look further. */
const SEED = Number(process.env['XMPPKI_FUZZ_SEED'] ?? 20_261_128)
const AT_ONCE = 8

const root = madeRoot('root')
const issuing = root.authority('issuing')
const client = (issuer: Made, name: string) => issuer.client(name, { xmppAddrs: [`${name}@localhost`] })
const [alice, bob, witness] = [client(root, 'alice'), client(issuing, 'bob'), client(root, 'witness')]
const others = [alice, bob, issuing, root].map(({ der }) => Buffer.from(der))
const signed = new Set(others.map((der) => signedPart(der).toString('hex')))

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ login: { anchors: new TrustAnchors([root.pem]), now: () => NOON } })
})
afterAll(async () => {
  await server.stop()
  server.ca.remove()
}, NEVER_MS)

interface Presented {
  readonly context: SecureContext
  readonly leaf: Buffer
  /** Whether a CA has signed it as it is. */
  readonly isSigned: boolean
}

/** A client certificate that OpenSSL lets a client present; undefined when it does not. */
function mutated(random: (below: number) => number): Presented | undefined {
  const [who, by] = random(2) === 0 ? [alice, root] : [bob, issuing]
  const isSigned = random(2) === 0
  const tbs = isSigned ? spoil(signedPart(who.der), others, random) : signedPart(who.der)
  const bits = () => element(TAG.bitString, Uint8Array.of(0), sign('sha256', tbs, by.key))
  const leaf = isSigned
    ? Buffer.from(sequence(tbs, sequence(oid(OID.ecdsaWithSha256)), bits()))
    : spoil(who.der, others, random)
  const above = random(4) === 0 ? spoil(issuing.der, others, random) : issuing.der
  const cert = encodePem('CERTIFICATE', leaf) + encodePem('CERTIFICATE', above)
  try {
    return { context: createSecureContext({ key: who.credentials.key, cert }), leaf, isSigned }
  } catch {
    return undefined
  }
}

function nextPresented(random: (below: number) => number): Presented {
  for (;;) {
    const presented = mutated(random)
    if (presented !== undefined) return presented
  }
}

/** Tries to log in; answers the account, or undefined. */
async function attempt(secureContext: SecureContext): Promise<string | undefined> {
  const guest = await RawClient.direct({ port: server.tlsPort, tls: { secureContext } })
  await guest.open()
  guest.send(external())
  const answer = await guest.receive(/<(?:success|failure)[^>]*>/)
  if (answer.startsWith('<failure')) {
    guest.destroy()
    return undefined
  }
  await guest.open()
  const jid = await guest.bind()
  guest.destroy()
  return jid.replace(/\/.*/, '')
}

async function isServed(): Promise<void> {
  const guest = await RawClient.online({ port: server.port, credentials: witness.credentials })
  guest.destroy()
}

/** Whether it opens an account; one that nobody has signed for it ends the test. */
async function isLetIn({ context, leaf, isSigned }: Presented): Promise<boolean> {
  const account = await attempt(context)
  if (account === undefined) return false
  const shown = `seed ${SEED}: ${account} by ${leaf.toString('base64')}`
  // Compared in lower case, as accounts are.
  expect(leaf.toString('utf8').toLowerCase(), shown).toContain(account.replace(/@localhost$/, ''))
  if (!isSigned) expect(signed, shown).toContain(signedPart(leaf).toString('hex'))
  return true
}

describe(`${LOGINS} logins with mutated certificates, seed ${SEED}`, () => {
  it('open no account but the one that a CA has signed', async () => {
    const random = generator(SEED)
    let [begun, opened, refused] = [0, 0, 0]
    const attacker = async () => {
      while (begun < LOGINS) {
        begun += 1
        if (await isLetIn(nextPresented(random))) opened += 1
        else refused += 1
        if (begun % 200 === 0) await isServed()
      }
    }
    await isServed()
    await Promise.all(Array.from({ length: AT_ONCE }, attacker))
    await isServed()
    expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
    for (const count of [opened, refused]) expect(count).toBeGreaterThan(LOGINS / 20)
  })
})
