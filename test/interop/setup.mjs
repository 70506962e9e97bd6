// Installs the programs that the interop lanes talk to, as far as they are missing.
// Exit code: 0 everything is there, 1 the installation failed, 2 it is not possible here (no root, or no apt).
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installXmppJsPackage } from '../long/interop/clients/xmpp-js-package.mjs'
import { postgresPrograms } from '../support/processes/postgres-programs.mjs'
import { installPkcs11Package } from './readers/pkcs11-package.mjs'

const UPDATE_MS = 90_000
const INSTALL_MS = 420_000

// pyenv and the like put another python3 first on PATH, one that does not see Debian's modules.
const hasPythonModule = (name) =>
  spawnSync('/usr/bin/python3', ['-c', `import ${name}`], { stdio: 'ignore', timeout: 30_000 }).status === 0

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Python sees GLib's TLS, which needs a package of its own. */
const hasGioTls = () => {
  const question = 'from gi.repository import Gio; raise SystemExit(not Gio.TlsBackend.get_default().supports_tls())'
  return spawnSync('/usr/bin/python3', ['-c', question], { stdio: 'ignore', timeout: 30_000 }).status === 0
}

/** Tkabber starts without it, and then has no TLS. */
const hasTclTls = () => {
  const { stdout } = spawnSync('tclsh', [], { input: 'puts [package require tls]', encoding: 'utf8', timeout: 30_000 })
  return /^\d/.test(stdout ?? '')
}

/** Gajim shows a report of its failure, and nothing else, where it cannot load its icons. */
const hasSvgLoader = () => {
  const question =
    'from gi.repository import GdkPixbuf as g; raise SystemExit("svg" not in [f.get_name() for f in g.Pixbuf.get_formats()])'
  return (
    spawnSync('/usr/bin/python3', ['-W', 'ignore', '-c', question], { stdio: 'ignore', timeout: 30_000 }).status === 0
  )
}

const NEEDS = [
  { program: 'openssl', debian: 'openssl' },
  { program: 'certtool', debian: 'gnutls-bin' },
  { program: 'pk12util', debian: 'libnss3-tools' },
  { program: 'certutil', debian: 'libnss3-tools' },
  { program: 'keytool', debian: 'default-jre-headless' },
  {
    program: "Python's cryptography",
    debian: 'python3-cryptography',
    isThere: () => hasPythonModule('cryptography'),
  },
  { program: "Python's GIO", debian: 'python3-gi', isThere: () => hasPythonModule('gi') },
  { program: 'TLS of GLib', debian: 'glib-networking', isThere: hasGioTls },
  // Debian keeps it out of PATH: it is meant to be copied.
  { program: 'easyrsa', debian: 'easy-rsa', isThere: () => existsSync('/usr/share/easy-rsa/easyrsa') },
  { program: 'age', debian: 'age' },
  { program: 'groff', debian: 'groff-base' },
  { program: 'man', debian: 'man-db' },
  { program: 'mandoc', debian: 'mandoc' },
  { program: 'zsh', debian: 'zsh' },
  { program: 'fish', debian: 'fish' },
  { program: 'softhsm2-util', debian: 'softhsm2' },
  { program: 'pkcs11-tool', debian: 'opensc' },
  // For the native part of the package that talks to tokens.
  { program: 'g++', debian: 'g++' },
  { program: 'make', debian: 'make' },
  { program: 'python3', debian: 'python3' },
  { program: 'tmux', debian: 'tmux' },
  { program: 'poezio', debian: 'poezio' },
  { program: 'profanity', debian: 'profanity' },
  { program: 'gajim', debian: 'gajim' },
  { program: 'SVG for GTK', debian: 'librsvg2-common', isThere: hasSvgLoader },
  { program: 'dbus-run-session', debian: 'dbus' },
  { program: 'tkabber', debian: 'tkabber' },
  { program: 'TLS of Tcl', debian: 'tcl-tls', isThere: hasTclTls },
  { program: 'Xvfb', debian: 'xvfb' },
  { program: 'gcc', debian: 'gcc' },
  { program: 'headers of libstrophe', debian: 'libstrophe-dev', isThere: () => existsSync('/usr/include/strophe.h') },
  { program: 'headers of gloox', debian: 'libgloox-dev', isThere: () => existsSync('/usr/include/gloox/client.h') },
  // For the welcome sheets as a user prints them.
  { program: 'chromium', debian: 'chromium' },
  { program: 'prosody', debian: 'prosody' },
  { program: 'ejabberdctl', debian: 'ejabberd', isThere: () => existsSync('/usr/sbin/ejabberdctl') },
  { program: 'erl', debian: 'erlang-base' },
  { program: 'nginx', debian: 'nginx-light', isThere: () => existsSync('/usr/sbin/nginx') },
  {
    program: 'the stream module of nginx',
    debian: 'libnginx-mod-stream',
    isThere: () => existsSync('/usr/lib/nginx/modules/ngx_stream_module.so'),
  },
  { program: 'systemd-analyze', debian: 'systemd' },
  { program: 'postgres', debian: 'postgresql', isThere: () => postgresPrograms() !== undefined },
  { program: "Python's slixmpp", debian: 'python3-slixmpp', isThere: () => hasPythonModule('slixmpp') },
]

const missing = () => NEEDS.filter(({ program, isThere }) => !(isThere ?? isOnPath)(program))

const packagesOf = (needs) => [...new Set(needs.map(({ debian }) => debian))]

const describe = (needs) => needs.map(({ program, debian }) => `${program} (Debian: ${debian})`).join(', ')

/** Quiet when all is well; otherwise everything that apt said. */
function apt(args, timeout) {
  const patience = ['-o', 'DPkg::Lock::Timeout=60', '-o', 'Acquire::Retries=3']
  const options = ['-q', '-y', ...patience, '-o', 'Dpkg::Options::=--force-confold']
  const { status, error, stdout, stderr } = spawnSync('apt-get', [...options, ...args], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status === 0) return true
  console.error(`${stdout}${stderr}`)
  console.error(`error: apt-get ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`)
  return false
}

const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Runs an installation that starts none of the services that it brings (invoke-rc.d(8): 101 forbids it): the tests run
 * servers of their own. A policy that is there already is the machine's, and stays.
 */
function withoutServices(install) {
  if (existsSync(POLICY)) return install()
  // Handled, so that the policy goes also when the installation is interrupted.
  const heed = () => undefined
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, heed)
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
  try {
    return install()
  } finally {
    rmSync(POLICY)
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, heed)
  }
}

function setup() {
  const needs = missing()
  if (needs.length === 0) {
    console.log('All programs of the interop lanes are there.')
    return 0
  }
  console.log(`Missing: ${describe(needs)}`)
  const packages = packagesOf(needs)
  if (!isOnPath('apt-get')) {
    console.log(`The interop lanes need them; install what your system calls: ${packages.join(' ')}`)
    return 2
  }
  if (process.getuid?.() !== 0) {
    console.log('The interop lanes need them; only root can install them. Enable it with: sudo npm run test:setup')
    return 2
  }
  console.log(`Installing with apt: ${packages.join(' ')}`)
  // An outdated list is the usual reason for a failing download, so there is no installing without updating.
  const installed =
    apt(['update'], UPDATE_MS) &&
    withoutServices(() => apt(['install', '--no-install-recommends', ...packages], INSTALL_MS))
  const left = missing()
  if (installed && left.length === 0) return 0
  console.error(`error: still missing: ${describe(left)}`)
  return 1
}

process.exitCode = setup()
// Few tests need it, and compiling fails for reasons of its own: the others should not suffer.
if (process.exitCode === 0 && !installPkcs11Package()) {
  console.log('The tests of PKCS#11 are skipped without it; with CI=true they fail.')
}
if (process.exitCode === 0 && !installXmppJsPackage()) {
  console.log('The tests of SASL2 with a real client are skipped without it; with CI=true they fail.')
}
