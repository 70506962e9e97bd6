import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { program } from '../program.ts'
import { quoted } from './peer-servers.ts'

/** An account that another server is to make. */
export interface PeerAccount {
  readonly user: string
  readonly host: string
  readonly password: string
}

/** What hosts have in the configuration, by name: lines about how they keep accounts. */
type HostSettings = Readonly<Record<string, readonly string[]>>

/** Lets the real Prosody make accounts. @returns its data folder */
export function makeProsodyAccounts(folder: string, hosts: HostSettings, accounts: readonly PeerAccount[]): string {
  const data = join(folder, 'data')
  mkdirSync(data, { recursive: true })
  const config = join(folder, 'prosody.cfg.lua')
  const lines = [
    'run_as_root = true',
    `data_path = ${quoted(data)}`,
    `pidfile = ${quoted(join(folder, 'prosody.pid'))}`,
    'log = { { levels = { min = "error" }, to = "console" } }',
    'modules_disabled = { "s2s" }',
    ...Object.entries(hosts).flatMap(([host, settings]) => [`VirtualHost ${quoted(host)}`, ...settings]),
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  for (const { user, host, password } of accounts) {
    const { code, output } = program('prosodyctl', ['--config', config, 'register', user, host, password])
    expect(code, output).toBe(0)
  }
  return data
}

/**
 * Lets the real ejabberd make accounts, and dump them in all ways that it has for Mnesia.
 * @param format of passwords, as lines of its configuration for each host
 * @returns the files: `dump` of everything, `table` of the accounts alone
 */
export function makeEjabberdAccounts(folder: string, format: HostSettings, accounts: readonly PeerAccount[]) {
  const files = { dump: join(folder, 'dump.txt'), table: join(folder, 'passwd.txt') }
  mkdirSync(join(folder, 'database'), { recursive: true })
  const config = join(folder, 'ejabberd.yml')
  const lines = [
    `hosts: [${Object.keys(format).map(quoted).join(', ')}]`,
    'loglevel: error',
    'auth_method: [mnesia]',
    'host_config:',
    ...Object.entries(format).flatMap(([host, settings]) => [
      `  ${quoted(host)}:`,
      ...settings.map((line) => `    ${line}`),
    ]),
    'listen: []',
    'modules: {}',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const steps = [
    '{ok, _} = application:ensure_all_started(ejabberd)',
    ...accounts.map(({ user, host, password }) => {
      return `ok = ejabberd_auth:try_register(${binary(user)}, ${binary(host)}, ${binary(password)})`
    }),
    // These two are `ejabberdctl dump` and `ejabberdctl dump_table`, which want Debian's user and a node name.
    `{ok, _} = ejabberd_admin:dump_mnesia(${quoted(files.dump)})`,
    `{ok, _} = ejabberd_admin:dump_table(${quoted(files.table)}, "passwd")`,
    'halt()',
  ]
  const settings = ['-ejabberd', 'config', quoted(config), 'log_path', quoted(join(folder, 'ejabberd.log'))]
  const args = ['-noinput', '-mnesia', 'dir', quoted(join(folder, 'database')), ...settings, '-s', 'ejabberd']
  const env = { HOME: folder, ERL_LIBS: '/usr/lib/x86_64-linux-gnu' }
  const { code, output } = program('erl', [...args, '-eval', `${steps.join(', ')}.`], { env, cwd: folder })
  expect(code, output).toBe(0)
  return files
}

/** Its bytes, so that no character means something to Erlang. */
function binary(text: string): string {
  return `<<${[...Buffer.from(text)].join(',')}>>`
}
