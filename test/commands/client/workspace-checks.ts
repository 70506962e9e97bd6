import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, inject } from 'vitest'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { CliHome } from '../../support/processes/cli.ts'

/** Runs openssl; its standard output. */
export const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' })

/** The client rows of the ledger. */
export function ledgerOf(cli: CliHome) {
  const ledger = new SqliteLedger(join(cli.home, 'ledger.db'))
  const records = ledger.list('client')
  ledger.close()
  return records
}

/**
 * A workspace with an unencrypted CA, which it has in common with all that were asked for with the same flags: a test that is
 * about something else does not wait until one is made.
 */
export async function homeWithCa(...args: string[]): Promise<CliHome> {
  const ready = join(inject('scratch'), `ca ${args.join(' ')}`)
  const cli = new CliHome()
  if (existsSync(ready)) cpSync(ready, cli.home, { recursive: true })
  else await initCa(cli, args, ready)
  return cli
}

async function initCa(cli: CliHome, args: readonly string[], ready: string): Promise<void> {
  const made = await cli.run(['ca', 'init', '--no-passphrase', ...args])
  expect(made.code, made.stderr).toBe(0)
  const copy = mkdtempSync(`${ready}-`)
  cpSync(cli.home, copy, { recursive: true })
  try {
    renameSync(copy, ready)
  } catch {
    // Another worker was faster; its folder is as good.
  }
}

/** What is in the folder of a user, sorted. */
export const filesOf = (name: string) => [
  `${name}.crt`,
  `${name}.csr`,
  `${name}.key`,
  `${name}.p12`,
  `${name}.p12.password`,
]

/** Every user's folder is complete, in agreement with the ledger, and nothing unfinished is left. */
export function expectConsistent(cli: CliHome): string[] {
  const clients = join(cli.home, 'clients', 'localhost')
  const folders = existsSync(clients) ? readdirSync(clients).sort() : []
  const records = ledgerOf(cli)
  expect(folders).toEqual(records.map(({ name }) => name.replace('@localhost', '')).sort())
  for (const name of folders) {
    expect(readdirSync(join(clients, name)).sort()).toEqual(filesOf(name))
    const serial = openssl('x509', '-in', join(clients, name, `${name}.crt`), '-noout', '-serial').trim()
    const record = records.find((candidate) => candidate.name === `${name}@localhost`)
    expect(BigInt(`0x${serial.replace('serial=', '')}`)).toBe(BigInt(`0x${record?.serial}`))
    openssl(
      'pkcs12',
      '-in',
      join(clients, name, `${name}.p12`),
      '-passin',
      `file:${join(clients, name, `${name}.p12.password`)}`,
      '-noout',
    )
  }
  expect(new Set(records.map(({ serial }) => serial)).size).toBe(records.length)
  return folders
}

/** Every row has its complete folder with the certificate it is about, and there is no other folder. */
export function expectAgreement({ home }: CliHome): void {
  const records = ledgerOf({ home } as CliHome)
  const clients = join(home, 'clients', 'localhost')
  expect(readdirSync(clients).sort()).toEqual(
    records.map(({ directory }) => directory.slice(clients.length + 1)).sort(),
  )
  for (const { name, directory, fingerprint } of records) {
    const user = name.replace('@localhost', '')
    expect(dirname(directory)).toBe(clients)
    expect(readdirSync(directory).sort()).toEqual(filesOf(user))
    const certificate = new X509Certificate(readFileSync(join(directory, `${user}.crt`)))
    expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(fingerprint)
    const password = `file:${join(directory, `${user}.p12.password`)}`
    openssl('pkcs12', '-in', join(directory, `${user}.p12`), '-passin', password, '-noout')
  }
  expect(readdirSync(join(home, 'tmp'))).toEqual([])
}
