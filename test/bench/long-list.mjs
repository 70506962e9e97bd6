// A CRL of 60 MB takes the place of a short one while people log in.
import { createPrivateKey, randomBytes, sign, X509Certificate } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { partnerCa } from './hostile.mjs'
import { connectTls, login, openStream, startJson } from './support.mjs'

const BYTES = 60_000_000
/** How long it may take until the list counts. */
const PATIENCE_MS = 120_000

function der(tag, ...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const octets = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets]
  return Buffer.concat([Buffer.from(head), ...parts])
}

const ALGORITHM = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
const utc = (text) => der(0x17, Buffer.from(text))

/** A CRL with so many bytes of entries, and one for this serial number (hexadecimal) at the end. */
function crl({ key, own }, bytes, serial) {
  const subject = subjectOf(new X509Certificate(own).raw)
  const entry = (number) => der(0x30, der(0x02, number), utc('260101000000Z'))
  const width = entry(Buffer.alloc(16, 1)).length
  const entries = Array.from({ length: Math.floor(bytes / width) }, () => {
    const number = randomBytes(16)
    number[0] = 0x40 | (number[0] & 0x3f)
    return entry(number)
  })
  if (serial !== undefined) entries.push(entry(Buffer.from(serial, 'hex')))
  const list = entries.length === 0 ? [] : [der(0x30, Buffer.concat(entries))]
  const dates = [utc('260101000000Z'), utc('490101000000Z')]
  const tbs = der(0x30, der(0x02, Buffer.of(1)), ALGORITHM, subject, ...dates, ...list)
  const signature = sign('sha256', tbs, createPrivateKey(key))
  return der(0x30, tbs, ALGORITHM, der(0x03, Buffer.of(0), signature))
}

/** The subject of a certificate that is its own issuer: the first name in it. */
function subjectOf(raw) {
  const skip = (at) => {
    const first = raw[at + 1]
    const size = first < 0x80 ? 0 : first & 0x7f
    const length = size === 0 ? first : raw.readUIntBE(at + 2, size)
    return { content: at + 2 + size, end: at + 2 + size + length }
  }
  let at = skip(skip(0).content).content
  // Version, serial number, algorithm.
  for (let n = 0; n < 3; n++) at = skip(at).end
  return raw.subarray(at, skip(at).end)
}

/** Logs in again and again until told to stop; answers how long each took, in milliseconds. */
function loginAlong(port, credentials) {
  let going = true
  const times = []
  const done = (async () => {
    while (going) {
      const began = performance.now()
      ;(await login(port, credentials)).destroy()
      times.push(performance.now() - began)
    }
  })()
  return async () => {
    going = false
    await done
    return times
  }
}

async function isOffered(port, credentials) {
  const socket = await connectTls(port, credentials)
  const features = await openStream(socket)
  socket.destroy()
  return features.includes('EXTERNAL')
}

export async function longList(workspace, cli) {
  const { ca, client } = partnerCa()
  const path = (name) => join(workspace.home, '..', `${workspace.home.split('/').at(-1)}-${name}`)
  writeFileSync(path('partner.crt'), ca.own)
  writeFileSync(path('partner.crl'), crl(ca, 0))
  const listener = (mode) =>
    `[[listen.c2s]]\nport = 0\ntls = { mode = "${mode}", cacertfile = ${JSON.stringify(path('partner.crt'))}, crl_files = ${JSON.stringify(path('partner.crl'))} }\n`
  writeFileSync(path('door.toml'), listener('starttls') + listener('tls'))
  const options = ['--port', '0', '--json', '--log-level', 'error']
  const serve = await startJson([cli, 'serve', '--home', workspace.home, '--config', path('door.toml'), ...options])
  try {
    const { tlsPort } = serve.ready
    if (!(await isOffered(tlsPort, client))) throw new Error('the client of the partner cannot log in at all')
    const quiet = loginAlong(tlsPort, workspace.credentials('user0'))
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const before = await quiet()
    const serial = new X509Certificate(client.cert).serialNumber
    writeFileSync(path('next.crl'), crl(ca, BYTES, serial))
    const meanwhile = loginAlong(tlsPort, workspace.credentials('user0'))
    const began = performance.now()
    renameSync(path('next.crl'), path('partner.crl'))
    while ((await isOffered(tlsPort, client)) && performance.now() - began < PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const took = (performance.now() - began) / 1000
    const during = await meanwhile()
    const size = readFileSync(path('partner.crl')).length / 1e6
    const longest = (times) => `${Math.max(...times).toFixed(0)} ms`
    return [
      ['longest login before a long list', longest(before), `${before.length} logins, one after another`],
      [
        `longest login while ${size.toFixed(0)} MB are loaded`,
        longest(during),
        `${during.length} logins; target below 100`,
      ],
      ['the list counts after', `${took.toFixed(1)} s`, took * 1000 < PATIENCE_MS ? '' : 'never'],
    ]
  } finally {
    await serve.stop()
  }
}
