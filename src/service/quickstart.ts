import { existsSync, readFileSync } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { keyAlgorithm } from '../pki/keys/algorithms.ts'
import { isEncryptedPrivateKey } from '../pki/keys/keys.ts'
import { LoginProbe, type LoginReport } from '../probe/login.ts'
import type { IssuerSource, Workspace } from '../workspace/base/workspace.ts'
import { initCa, type RootResult } from '../workspace/ca/init-ca.ts'
import { type IssuedClient, issueClient } from '../workspace/clients/issue-client.ts'
import { readTextIfAny } from '../workspace/disk/files.ts'
import { type IssuedServer, issueServer } from '../workspace/servers/issue-server.ts'
import type { Jid } from '../xmpp/address/jid.ts'
import { SERVER_DAYS } from './credentials/domain-credentials.ts'
import { listenerOf, type Service } from './service.ts'

/** Everything a demonstration needs, some of it made just now. */
export interface Outfit {
  readonly ca: RootResult
  /** Whether whoever can read the files can sign as this CA; one that was there before may be better kept. */
  readonly hasOpenKey: boolean
  readonly server: IssuedServer
  readonly clients: readonly IssuedClient[]
}

/** Makes what is missing: a CA with an unencrypted key, the server certificate, the clients. Repeatable. */
export async function prepareOutfit(
  workspace: Workspace,
  { domain, jids, issuer }: { domain: string; jids: readonly Jid[]; issuer: IssuerSource },
): Promise<Outfit> {
  const common = { algorithm: keyAlgorithm('ec:p256'), ifMissing: true }
  const ca = await initCa(workspace, {
    ...common,
    commonName: 'xmppki quickstart CA',
    days: 3650,
    permitDomains: [],
    domain,
    passphrase: async () => undefined,
  })
  const server = await issueServer(workspace, { ...common, domains: [domain], days: SERVER_DAYS, issuer })
  const clients: IssuedClient[] = []
  for (const jid of jids) {
    clients.push(await issueClient(workspace, { ...common, jid, device: '', days: 500, p12Format: 'modern', issuer }))
  }
  return { ca, hasOpenKey: isOpen(ca.files.key), server, clients }
}

/** A key that is away, or in a token, is not. */
function isOpen(keyFile: string): boolean {
  const pem = readTextIfAny(keyFile)
  return pem?.includes('PRIVATE KEY-----') === true && !isEncryptedPrivateKey(pem)
}

/** One login of the proof. */
export interface ProvenLogin extends LoginReport {
  readonly mode: 'starttls' | 'tls'
}

/** What the proof has shown. */
export interface Proof {
  readonly logins: readonly ProvenLogin[]
  readonly message: { readonly from: string; readonly to: string; readonly body: string; readonly milliseconds: number }
}

function readBundle({ jid, directory, files }: IssuedClient): { data: Buffer; password: string } {
  const { p12, p12Password = `${p12}.password` } = files
  const missing = [p12, p12Password].find((path) => !existsSync(path))
  if (missing !== undefined) {
    throw new XmppkiError('PROOF_FAILED', `${missing} is missing: ${jid} cannot log in`, {
      hint: `name others with --user, or move the folder away to get a new one: mv '${directory}' '${directory}.old'`,
    })
  }
  return { data: readFileSync(p12), password: readFileSync(p12Password, 'utf8').trimEnd() }
}

/**
 * Logs every client in with its PKCS#12 bundle, the first over STARTTLS, the next over direct TLS, and so
 * on, and sends a message from the first to the last.
 * @throws {XmppkiError} PROOF_FAILED, naming the step
 */
export async function prove(service: Service, { ca, clients }: Outfit, domain: string): Promise<Proof> {
  const probes: LoginProbe[] = []
  const logins: ProvenLogin[] = []
  const trusted = readFileSync(ca.files.certificate, 'utf8')
  try {
    for (const [index, client] of clients.entries()) {
      const mode = index % 2 === 0 ? 'starttls' : 'tls'
      const listener = listenerOf(service, mode)
      if (listener === undefined) throw new XmppkiError('PROOF_FAILED', `nothing listens for ${mode}`)
      const { host, port } = listener
      const bundle = readBundle(client)
      const probe = await LoginProbe.login({ host, port, mode, domain, bundle, ca: trusted })
      probes.push(probe)
      await probe.announce()
      logins.push({ ...probe.report, mode })
    }
    return { logins, message: await exchange(probes, clients) }
  } finally {
    for (const probe of probes) probe.close()
  }
}

async function exchange(probes: readonly LoginProbe[], clients: readonly IssuedClient[]): Promise<Proof['message']> {
  const [sender, receiver, to] = [probes[0], probes.at(-1), clients.at(-1)?.jid]
  if (sender === undefined || receiver === undefined || to === undefined) {
    throw new XmppkiError('USAGE', 'there are no users to prove anything with', { hint: 'name one with --user' })
  }
  const began = process.hrtime.bigint()
  const body = `Hello from ${clients[0]?.jid}, without a password`
  sender.send(to, body)
  const received = await receiver.receive()
  if (received.body !== body || received.from !== sender.report.jid) {
    throw new XmppkiError('PROOF_FAILED', `another message arrived than was sent, from ${received.from}`)
  }
  return { from: received.from, to, body, milliseconds: Number(process.hrtime.bigint() - began) / 1e6 }
}
