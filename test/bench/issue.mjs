// A batch of clients with key, CSR, certificate and bundle: ours, the openssl walkthrough of the guide, easy-rsa 3.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli } from './support.mjs'

const CLIENTS = 1000
/** The others are slow, and linear: a sample tells. */
const SAMPLE = 30
const EASYRSA = '/usr/share/easy-rsa/easyrsa'

/** Runs a shell script; wall-clock time, and CPU time of all its processes. */
function measure(script, folder, environment = {}) {
  const began = process.hrtime.bigint()
  const options = { cwd: folder, env: { ...process.env, ...environment }, encoding: 'utf8' }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `set -e\n{ ${script}\n} >log 2>&1\ntimes`], options)
  if (status !== 0) throw new Error(`failed in ${folder}: ${stderr}`)
  const wall = Number(process.hrtime.bigint() - began) / 1e9
  const seconds = [...stdout.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  )
  return { wall, cpu: seconds.reduce((sum, value) => sum + value, 0) }
}

/** Key types as the programs call them. */
const TYPES = {
  'P-256': {
    ours: 'ec:p256',
    openssl: 'openssl ecparam -name prime256v1 -genkey -noout -out $n.key',
    easyrsa: { EASYRSA_ALGO: 'ec', EASYRSA_CURVE: 'prime256v1' },
  },
  'RSA-2048': {
    ours: 'rsa:2048',
    openssl: 'openssl genrsa -out $n.key 2048',
    easyrsa: { EASYRSA_ALGO: 'rsa', EASYRSA_KEY_SIZE: '2048' },
  },
}

function ours(folder, { ours: type }, count) {
  const run = `"${process.execPath}" "${cli}"`
  const environment = { XMPPKI_HOME: join(folder, 'home') }
  measure(`${run} ca init --no-passphrase`, folder, environment)
  writeFileSync(join(folder, 'users'), Array.from({ length: count }, (_, n) => `user${n}`).join('\n'))
  return measure(`${run} client issue --file users --key-type ${type}`, folder, environment)
}

/** The four commands per client of the walkthrough, its CA with the same type of key. */
function walkthrough(folder, { openssl }, count) {
  const request = '-subj /CN=root -days 1024 -sha256'
  measure(`n=ca; ${openssl}; openssl req -x509 -new -nodes -key ca.key ${request} -out ca.crt`, folder)
  return measure(
    `for i in $(seq ${count}); do n=user$i
       ${openssl}
       openssl req -new -key $n.key -subj /CN=$n -out $n.csr
       openssl x509 -req -in $n.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out $n.crt -days 500 -sha256
       openssl pkcs12 -export -inkey $n.key -in $n.crt -out $n.p12 -passout pass:secret
     done`,
    folder,
  )
}

function easyRsa(folder, { easyrsa }, count) {
  const environment = { ...easyrsa, EASYRSA_BATCH: '1', EASYRSA_PKI: join(folder, 'pki'), EASYRSA_REQ_CN: 'root' }
  measure(`${EASYRSA} init-pki; ${EASYRSA} build-ca nopass`, folder, environment)
  delete environment.EASYRSA_REQ_CN
  return measure(
    `for i in $(seq ${count}); do
       ${EASYRSA} build-client-full user$i nopass
       ${EASYRSA} --passout=pass:secret export-p12 user$i
     done`,
    folder,
    environment,
  )
}

function inFolder(run, type, count) {
  const folder = mkdtempSync(join(tmpdir(), 'xmppki-bench-'))
  try {
    const { wall, cpu } = run(folder, TYPES[type], count)
    return { wall: (wall / count) * CLIENTS, cpu: (cpu / count) * 1000 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function rowsFor(type, count) {
  const own = inFolder(ours, type, count)
  const others = [['openssl walkthrough', walkthrough], ...(existsSync(EASYRSA) ? [['easy-rsa 3', easyRsa]] : [])]
  const row = (name, { wall, cpu }, remark) => [
    `${name}, ${type}`,
    `${wall.toFixed(1)} s`,
    `${cpu.toFixed(0)} ms CPU each${remark}`,
  ]
  return [
    row('xmppki', own, count < CLIENTS ? `; from ${count}` : ''),
    ...others.map(([name, run]) => {
      const other = inFolder(run, type, SAMPLE)
      return row(name, other, `, ${(other.wall / own.wall).toFixed(1)} times as long; from ${SAMPLE}`)
    }),
  ]
}

export async function issueBatch() {
  return {
    title: `${CLIENTS} clients: key, CSR, certificate and bundle (wall clock)`,
    rows: [...rowsFor('P-256', CLIENTS), ...rowsFor('RSA-2048', 100)],
  }
}
