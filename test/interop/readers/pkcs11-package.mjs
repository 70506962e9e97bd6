// The package that talks to PKCS#11 tokens. Users install it beside xmppki; the interop lane has one of its own, because
// `npm ci` should not need a C++ compiler.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NAME = 'node-webcrypto-p11'
const VERSION = '2.8.0'
const INSTALL_MS = 150_000

const prefix = fileURLToPath(new URL('../../../node_modules/.cache/xmppki-pkcs11', import.meta.url))

/** Where it is once it was installed. */
export const PKCS11_PACKAGE = join(prefix, 'node_modules', NAME)

/** Whether it can be loaded: the native part is made for one version of Node.js. */
export function hasPkcs11Package() {
  const manifest = join(PKCS11_PACKAGE, 'package.json')
  if (!existsSync(manifest) || JSON.parse(readFileSync(manifest, 'utf8')).version !== VERSION) return false
  const args = ['-e', 'require(process.argv[1])', PKCS11_PACKAGE]
  return spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 30_000 }).status === 0
}

/** node-gyp downloads the headers of Node.js where it is not told that they are here. */
function withHeaders(env) {
  const folder = dirname(dirname(realpathSync(process.execPath)))
  return existsSync(join(folder, 'include', 'node', 'node.h')) ? { ...env, npm_config_nodedir: folder } : env
}

/** Installs it, unless it is there; false when that fails, with everything that npm said. */
export function installPkcs11Package() {
  if (hasPkcs11Package()) return true
  console.log(`Compiling ${NAME} ${VERSION}`)
  mkdirSync(prefix, { recursive: true })
  writeFileSync(join(prefix, 'package.json'), '{"private": true}\n')
  const args = ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', prefix, `${NAME}@${VERSION}`]
  const { error, stdout, stderr } = spawnSync('npm', args, {
    cwd: prefix,
    encoding: 'utf8',
    env: withHeaders(process.env),
    timeout: INSTALL_MS,
  })
  if (hasPkcs11Package()) return true
  console.error(`${stdout}${stderr}`)
  console.error(`error: ${NAME} cannot be installed${error === undefined ? '' : `: ${error.message}`}`)
  return false
}
