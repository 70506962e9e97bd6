import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { LineProcess } from '../line-process.ts'

/** What another server needs for `localhost`. */
export interface PeerFiles {
  /** An empty folder of its own. */
  readonly folder: string
  /** PEM: key, and certificate with chain. */
  readonly key: string
  readonly certificate: string
  /** PEM of the CA that client certificates come from. */
  readonly ca: string
}

/** A server of somebody else, as a process of ours with a configuration and a data folder of its own. */
export interface Peer {
  readonly port: number
  /** What it has logged so far. */
  output(): string
  stop(): Promise<void>
}

const environment = (folder: string) => ({ PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8' })

/** Lua's `%q` and Erlang's strings alike. */
export const quoted = (text: string) => JSON.stringify(text)

/** @param verify whether it asks for client certificates */
export async function startProsody({ folder, key, certificate, ca }: PeerFiles, verify: boolean): Promise<Peer> {
  const port = await freePort()
  const request = verify ? '{ "peer", "client_once" }' : '"none"'
  const lines = [
    'run_as_root = true',
    `data_path = ${quoted(folder)}`,
    `pidfile = ${quoted(join(folder, 'prosody.pid'))}`,
    'log = { { levels = { min = "info" }, to = "console" } }',
    'interfaces = { "127.0.0.1" }',
    `c2s_ports = { ${port} }`,
    'c2s_direct_tls_ports = {}',
    's2s_ports = {}',
    'http_ports = {}',
    'https_ports = {}',
    'modules_enabled = { "saslauth", "tls", "disco" }',
    'modules_disabled = { "s2s" }',
    'c2s_require_encryption = true',
    'authentication = "internal_hashed"',
    `ssl = { key = ${quoted(key)}; certificate = ${quoted(certificate)} }`,
    `c2s_ssl = { key = ${quoted(key)}; certificate = ${quoted(certificate)}; cafile = ${quoted(ca)}; verify = ${request} }`,
    'VirtualHost "localhost"',
  ]
  return runProsody(folder, `${lines.join('\n')}\n`, port)
}

async function runProsody(folder: string, text: string, port: number, ...others: number[]): Promise<Peer> {
  const config = join(folder, 'prosody.cfg.lua')
  writeFileSync(config, text)
  const child = new LineProcess('prosody', ['-F', '--config', config], { env: environment(folder), cwd: folder })
  for (const one of [port, ...others]) {
    const listens = new RegExp(`Activated service '\\w+' on \\[127\\.0\\.0\\.1\\]:${one}\\b`)
    await child.stdout.take((line) => listens.test(line), `a listener on port ${one}`)
  }
  return { port, output: () => child.stdout.text, stop: async () => void (await child.stop('SIGTERM')) }
}

/** It asks for client certificates. @param knowsCa whether it has been told the CA */
export async function startEjabberd({ folder, key, certificate, ca }: PeerFiles, knowsCa: boolean): Promise<Peer> {
  const port = await freePort()
  const cafile = knowsCa ? `, cafile: ${quoted(ca)}` : ''
  const lines = [
    'hosts: [localhost]',
    'loglevel: info',
    `certfiles: [${quoted(key)}, ${quoted(certificate)}]`,
    'auth_method: [mnesia]',
    'listen:',
    `  - {port: ${port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls_required: true, tls_verify: true${cafile}}`,
    'modules:',
    '  mod_disco: {}',
  ]
  return runEjabberd(folder, `${lines.join('\n')}\n`, port)
}

async function runEjabberd(folder: string, text: string, port: number, ...others: number[]): Promise<Peer> {
  const config = join(folder, 'ejabberd.yml')
  writeFileSync(config, text)
  mkdirSync(join(folder, 'database'))
  const log = join(folder, 'ejabberd.log')
  // Not by ejabberdctl: that wants Debian's user, and a node name for the daemon of Erlang's distribution.
  const settings = ['-ejabberd', 'config', quoted(config), 'log_path', quoted(log)]
  const start = ['-mnesia', 'dir', quoted(join(folder, 'database')), ...settings, '-s', 'ejabberd']
  const child = new LineProcess('erl', ['-noinput', ...start], {
    env: { ...environment(folder), ERL_LIBS: '/usr/lib/x86_64-linux-gnu' },
    cwd: folder,
  })
  for (const one of [port, ...others]) {
    const listens = new RegExp(`Start accepting \\w+ connections at 127\\.0\\.0\\.1:${one}\\b`)
    await child.stdout.take((line) => listens.test(line), `a listener on port ${one}`)
  }
  return { port, output: () => child.stdout.text, stop: async () => void (await child.stop('SIGTERM')) }
}

/** The text with other values in some places, each of which must be there once. */
export function adapted(text: string, places: readonly (readonly [from: string, to: string])[]): string {
  return places.reduce((result, [from, to]) => {
    if (result.split(from).length !== 2) throw new Error(`'${from}' is not there once`)
    return result.replace(from, () => to)
  }, text)
}

/** A server with what `config render` has written but for ports, addresses and places for data and logs. */
export interface RenderedPeer extends Peer {
  readonly tlsPort: number
}

/** @param folder an empty one of its own */
export async function startRenderedProsody(folder: string, text: string): Promise<RenderedPeer> {
  const [port, tlsPort] = [await freePort(), await freePort()]
  const places = [
    ['c2s_ports = { 5222 }', `c2s_ports = { ${port} }`],
    ['c2s_direct_tls_ports = { 5223 }', `c2s_direct_tls_ports = { ${tlsPort} }`],
    ['pidfile = "/run/prosody/prosody.pid"', `pidfile = ${quoted(join(folder, 'prosody.pid'))}`],
    ['log = { info = "*syslog" }', 'log = { { levels = { min = "info" }, to = "console" } }'],
  ] as const
  const before = [
    'run_as_root = true',
    `data_path = ${quoted(folder)}`,
    'interfaces = { "127.0.0.1" }',
    's2s_ports = {}',
    'http_ports = {}',
    'https_ports = {}',
  ]
  return { ...(await runProsody(folder, `${before.join('\n')}\n${adapted(text, places)}`, port, tlsPort)), tlsPort }
}

/** @param folder an empty one of its own */
export async function startRenderedEjabberd(folder: string, text: string): Promise<RenderedPeer> {
  const [port, tlsPort] = [await freePort(), await freePort()]
  const places = [
    ['port: 5222', `port: ${port}`],
    ['port: 5223', `port: ${tlsPort}`],
  ] as const
  const bound = text.replaceAll('ip: "::"', 'ip: "127.0.0.1"')
  return { ...(await runEjabberd(folder, adapted(bound, places), port, tlsPort)), tlsPort }
}
