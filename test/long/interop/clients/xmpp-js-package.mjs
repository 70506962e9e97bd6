// A client library that speaks SASL2 and Bind 2; Debian 12 has none. The lane has it for itself, because nothing else
// needs it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NAME = '@xmpp/client'
const VERSION = '0.14.0'
const INSTALL_MS = 120_000

const prefix = fileURLToPath(new URL('../../../../node_modules/.cache/xmppki-xmpp-js', import.meta.url))

/** Where it is once it was installed. */
export const XMPP_JS_PACKAGE = join(prefix, 'node_modules', NAME)

export function hasXmppJsPackage() {
  const manifest = join(XMPP_JS_PACKAGE, 'package.json')
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === VERSION
}

/** Installs it, unless it is there; false when that fails, with everything that npm said. */
export function installXmppJsPackage() {
  if (hasXmppJsPackage()) return true
  console.log(`Installing ${NAME} ${VERSION}`)
  mkdirSync(prefix, { recursive: true })
  writeFileSync(join(prefix, 'package.json'), '{"private": true}\n')
  const flags = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts', '--prefix', prefix]
  const { error, stdout, stderr } = spawnSync('npm', ['install', ...flags, `${NAME}@${VERSION}`], {
    cwd: prefix,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  })
  if (hasXmppJsPackage()) return true
  console.error(`${stdout}${stderr}`)
  console.error(`error: ${NAME} cannot be installed${error === undefined ? '' : `: ${error.message}`}`)
  return false
}
