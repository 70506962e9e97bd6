import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCsr } from '../../../src/pki/csr/csr.ts'
import { type CrlFacts, readCrl } from '../../../src/pki/revocation/crl-facts.ts'
import type { IssuedRecord } from '../../../src/store/ledger.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { program } from '../../interop/program.ts'
import { generator } from '../../pki/mutations.ts'
import { account, testKeys } from '../../pki/support.ts'
import { CliHome } from '../../support/processes/cli.ts'

const PROCESSES = 8
const DURATION_MS = process.env['CI'] ? 60_000 : 10_000
const SEED = 82_026
const NAMES = Array.from({ length: 20 }, (_, index) => `user${index}`)

/** Done; EXISTS and NOT_FOUND, where another process was faster. */
const EXPECTED_CODES: readonly (number | null)[] = [0, 3, 4]

const ISSUED = ['crt', 'csr', 'key', 'p12', 'p12.password']
const SIGNED = ['chain.crt', 'crt', 'csr']

const cli = new CliHome()
const crlFile = join(cli.home, 'ca', 'root.crl')
const rootFile = join(cli.home, 'ca', 'root.crt')
const crlNumbers: bigint[] = []
const surprises: string[] = []
const done = new Map<string, number>()

type Random = (below: number) => number

/** What one process does next, by weight. */
function nextCommand(random: Random, worker: number): string[] {
  const name = NAMES[random(NAMES.length)] ?? ''
  const device = random(4) === 0 ? ['--device', 'phone'] : []
  const revokeOld = random(2) === 0 ? ['--revoke-old'] : []
  const kind = random(20)
  if (kind < 6) return ['client', 'issue', name, ...device]
  if (kind < 11) return ['client', 'renew', name, ...device, ...revokeOld, ...(random(2) === 0 ? ['--rekey'] : [])]
  if (kind < 15) return ['client', 'revoke', name, ...device, '--reason', 'superseded']
  if (kind < 18) {
    const out = ['--out', cli.path(`out-${worker}-${random(1_000_000)}`)]
    return ['client', 'sign', cli.path(`${name}.csr`), '--name', name, ...device, '--renew', ...revokeOld, ...out]
  }
  return kind < 19 ? ['ca', 'crl'] : ['client', 'list']
}

async function run(args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await cli.run(args)
  const verb = `${args.slice(0, 2).join(' ')}: ${code}`
  done.set(verb, (done.get(verb) ?? 0) + 1)
  const crashed = /^\s+at .+:\d+:\d+\)?$/m.test(stderr + stdout)
  if (crashed || !EXPECTED_CODES.includes(code)) surprises.push(`${args.join(' ')}: ${code} ${stderr}${stdout}`)
  const crl = currentCrl()
  if (crl !== undefined) crlNumbers.push(crl.number ?? 0n)
}

async function work(worker: number, end: number): Promise<void> {
  const random = generator(SEED + 1000 * worker)
  while (Date.now() < end) await run(nextCommand(random, worker))
}

function currentCrl(): CrlFacts | undefined {
  try {
    return readCrl(readFileSync(crlFile, 'utf8'), crlFile)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Every path below a folder, files and folders. */
const below = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' })

let records: readonly IssuedRecord[] = []
const revoked = () => records.filter(({ revokedAt }) => revokedAt !== undefined)
const certificateOf = ({ directory, name }: IssuedRecord) => join(directory, `${name.split('@')[0]}.crt`)
const fingerprintOf = (file: string) =>
  new X509Certificate(readFileSync(file)).fingerprint256.replaceAll(':', '').toLowerCase()

beforeAll(async () => {
  expect(await cli.run(['ca', 'init', '--no-passphrase'])).toMatchObject({ code: 0 })
  for (const name of NAMES) {
    const csr = await createCsr({ keys: await testKeys('ec:p256'), jid: account(`${name}@localhost`) })
    writeFileSync(cli.path(`${name}.csr`), csr)
  }
  // Half of the users, so that from the first moment on there is something to renew and to revoke.
  expect(await cli.run(['client', 'issue', ...NAMES.filter((_name, index) => index % 2 === 0)])).toMatchObject({
    code: 0,
  })
  const end = Date.now() + DURATION_MS
  await Promise.all(Array.from({ length: PROCESSES }, (_, worker) => work(worker, end)))
  // All at once, so that CRLs overtake one another.
  const finale = NAMES.slice(0, PROCESSES).map((name) =>
    run(['client', 'revoke', name, '--all-devices', '--reason', 'keyCompromise']),
  )
  await Promise.all(finale)
  const ledger = new SqliteLedger(join(cli.home, 'ledger.db'))
  records = ledger.list('client')
  ledger.close()
}, DURATION_MS + 120_000)
afterAll(() => cli.remove())

describe(`${PROCESSES} processes that issue, sign, renew and revoke for ${DURATION_MS / 1000} s (seed ${SEED})`, () => {
  it('did something of everything, and no process failed in an unexpected way', () => {
    expect(surprises).toEqual([])
    const did = ['client issue: 0', 'client renew: 0', 'client revoke: 0', 'client sign: 0', 'ca crl: 0']
    expect([...done.keys()]).toEqual(expect.arrayContaining(did))
    expect(revoked().length).toBeGreaterThan(0)
  })

  it('left every row with its complete files, and every certificate with its row', () => {
    expect(new Set(records.map(({ serial }) => serial)).size).toBe(records.length)
    for (const record of records) {
      expect(fingerprintOf(certificateOf(record)), record.directory).toBe(record.fingerprint)
      const local = record.name.split('@')[0]
      const files = readdirSync(record.directory).sort()
      const kinds = [ISSUED, SIGNED].map((endings) => endings.map((ending) => `${local}.${ending}`))
      expect(kinds, record.directory).toContainEqual(files)
    }
    const clients = join(cli.home, 'clients')
    const onDisk = below(clients).filter((path) => path.endsWith('.crt') && !path.endsWith('.chain.crt'))
    const folders = onDisk.map((path) => join(clients, dirname(path)))
    expect(folders.sort()).toEqual(records.map(({ directory }) => directory).sort())
  })

  it('left nothing half done', () => {
    expect(below(cli.home).filter((path) => basename(path).startsWith('.xmppki-'))).toEqual([])
    expect(readdirSync(join(cli.home, 'tmp'))).toEqual([])
  })

  it('has at most one current certificate for each user and device', () => {
    const inPlace = records.filter(({ directory }) => !basename(directory).includes('~'))
    const holders = inPlace.map(({ name, device }) => `${name} ${device}`)
    expect(new Set(holders).size).toBe(holders.length)
  })

  it('numbered the CRLs upwards, and the last one lists exactly what the ledger has as revoked', () => {
    expect(crlNumbers).toEqual(crlNumbers.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
    const listed = currentCrl()?.entries.map(({ serial, reason }) => `${serial} ${reason}`)
    expect(listed?.sort()).toEqual(
      revoked()
        .map(({ serial, revocationReason }) => `${serial} ${revocationReason}`)
        .sort(),
    )
  })

  it('openssl verify -crl_check agrees', () => {
    const check = (record: IssuedRecord) =>
      program('openssl', ['verify', '-crl_check', '-CAfile', rootFile, '-CRLfile', crlFile, certificateOf(record)])
        .output
    const valid = records.filter(({ revokedAt }) => revokedAt === undefined)
    for (const record of valid.slice(0, 10)) expect(check(record)).toBe(`${certificateOf(record)}: OK\n`)
    for (const record of revoked().slice(-10)) expect(check(record)).toContain('certificate revoked')
  })
})
