import { describe, expect, it } from 'vitest'
import { type Import, readSources, type SourceFile } from './support/documents/source-graph.ts'
import { everyFeature } from './support/servers/realm.ts'

const sources = readSources('src')
const tests = readSources('test')
const tools = readSources('bin')

/** Rooms of one file that all others may use. */
const EVERYWHERE = ['errors', 'memo', 'maybe-promise', 'did-you-mean']

/** What each room may import besides itself and those; an arrow that is not here is an error. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  memo: [],
  'maybe-promise': [],
  'did-you-mean': [],
  xmpp: [],
  formats: [],
  pki: ['xmpp/address/jid'],
  // One judgement of a certificate, for whoever has to know.
  trust: ['pki', 'store/certificate-id', 'xmpp/address/jid'],
  store: ['xmpp/address/jid', 'xmpp/sasl/scram-keys'],
  accounts: [
    'formats',
    'store/accounts',
    'store/common/import-plan',
    'xmpp/sasl/scram-credentials',
    'xmpp/sasl/scram-keys',
  ],
  pkcs11: ['pki'],
  workspace: ['pki', 'trust', 'pkcs11', 'store', 'xmpp/address/jid', 'package.json'],
  // What is filled in; types alone.
  render: ['workspace/servers/server-certificate-files'],
  server: [
    'xmpp',
    'pki',
    'trust',
    'store/accounts',
    'store/audit',
    'store/certificate-id',
    'store/enrolments',
    'store/ledger',
    'store/ledger-watch',
  ],
  probe: ['xmpp'],
  config: ['formats', 'store/postgres/url', 'xmpp/address/jid', 'xmpp/sasl/external', 'xmpp/sasl/scram-keys'],
  service: ['config', 'server', 'workspace', 'pki', 'trust', 'store', 'probe', 'xmpp', 'package.json'],
  cli: [
    'accounts',
    'config',
    'formats',
    'pki/keys/algorithms',
    // Sheets come from single commands and from batches, so what renders them is shared.
    'render',
    'store',
    'xmpp/address/jid',
    'xmpp/sasl/external',
    'xmpp/sasl/scram-credentials',
    'xmpp/sasl/scram-keys',
    'workspace',
  ],
  // It judges the configuration as `serve` does, and asks where that runs.
  doctor: [
    'config',
    'probe',
    'workspace',
    'pki',
    'trust',
    'service/check/configuration-check',
    'service/admin/admin-client',
    'service/admin/admin-protocol',
    'store',
    'xmpp/address/jid',
  ],
  commands: [
    'accounts',
    'cli',
    'config',
    'doctor',
    'workspace',
    'pki',
    'trust',
    'render',
    'store',
    'server',
    'service',
    'probe',
    'xmpp',
  ],
  main: ['commands', 'cli'],
}

/** Packages that only one room may know. */
const GUARDED: readonly (readonly [pattern: RegExp, rooms: readonly string[]])[] = [
  [/^@peculiar\/|^reflect-metadata$/, ['pki']],
  [/^(ltx|saxes)$/, ['xmpp']],
  [/^@oclif\/core$/, ['cli', 'commands', 'main']],
  [/^(@photostructure\/|node:)sqlite$/, ['store']],
  [/^string-width$/, ['cli']],
  [/^pg$/, ['store']],
  [/^pino$/, ['service']],
  [/^toml-eslint-parser$/, ['config']],
  [/^csv-parse\//, ['formats']],
  [/^(age-encryption|tar-stream)$/, ['workspace']],
  [/^node-webcrypto-p11$/, ['pkcs11']],
  [/^node:(net|tls)$/, ['server', 'probe', 'service']],
  [/^node:https?$/, ['service']],
  [/^node:fs(\/promises)?$/, ['workspace', 'cli', 'config', 'store', 'service', 'doctor', 'commands']],
]

/** Rooms that have rooms of their own, with rules among these. */
const WINGS = ['pki', 'server', 'service', 'store', 'workspace', 'xmpp']

/** Wings whose own files are a room among the others. */
const HALLS = ['service', 'store']

/** Wings in which every file has its test in the mirrored place. */
const MIRRORED = ['server', 'xmpp']

/** More files beside each other are a heap; each XEP is one, so features may be many. */
const MAX_FILES = 25
const MANY_FILES = ['src/server/features']

/** What each room of a wing may import besides itself and what its wing may. */
const WING_ARROWS: Readonly<Record<string, readonly string[]>> = {
  // Octets, and what they are called.
  'pki/der': [],
  'pki/keys': ['pki/der'],
  'pki/x509': ['pki/der', 'pki/keys'],
  'pki/lint': ['pki/der', 'pki/keys', 'pki/x509'],
  'pki/csr': ['pki/der', 'pki/keys', 'pki/x509'],
  // Prepare, lint, sign, verify.
  'pki/issue': ['pki/der', 'pki/keys', 'pki/x509', 'pki/lint'],
  'pki/revocation': ['pki/der', 'pki/keys', 'pki/x509', 'pki/issue'],
  'pki/pkcs12': ['pki/der', 'pki/keys', 'pki/x509'],
  'pki/inspect': ['pki/der', 'pki/keys', 'pki/x509', 'pki/csr', 'pki/revocation', 'pki/pkcs12'],
  // Files and folders, whatever is in them.
  'workspace/disk': [],
  // What every command needs: where things are, the CAs, and how files get there together with their rows.
  'workspace/base': ['workspace/disk'],
  'workspace/ca': ['workspace/base', 'workspace/disk'],
  'workspace/clients': ['workspace/base', 'workspace/disk', 'workspace/ca'],
  'workspace/servers': ['workspace/base', 'workspace/disk', 'workspace/ca'],
  'workspace/backup': ['workspace/base', 'workspace/disk', 'workspace/ca'],
  // The contracts, which know no back end.
  'store/.': [],
  'store/common': ['store/.'],
  'store/memory': ['store/.', 'store/common'],
  'store/sqlite': ['store/.', 'store/common'],
  'store/postgres': ['store/.', 'store/common'],
  // Which back end it is, by the URL.
  'store/open': ['store/.', 'store/sqlite', 'store/postgres'],
  'store/replicated': ['store/.', 'store/common', 'store/sqlite'],
  // The program that runs: it alone knows all of the others.
  'service/.': ['service'],
  'service/admin': [],
  'service/credentials': [],
  'service/trust': [],
  'service/check': ['service/credentials', 'service/trust'],
  'service/publishing': [],
  'service/reload': [],
  'service/sharing': [],
  'server/log': [],
  'server/random-text': [],
  'server/limits': ['server/stream/reading-gate'],
  // The only one that knows all of the others.
  'server/server': ['server'],
  'server/server-options': [
    'server/limits',
    'server/log',
    'server/accounts',
    'server/features',
    'server/login',
    'server/net',
    'server/session',
  ],
  // Bytes: sockets, TLS and who may connect at all.
  'server/net': ['server/limits', 'server/log'],
  // Who may log in, and stay.
  'server/login': [
    'server/net',
    'server/log',
    'server/server-options',
    'server/session/session',
    'server/stream/stream-host',
  ],
  // What may be done with accounts and their certificates, whoever asks.
  'server/accounts': ['server/login', 'server/log', 'server/net/network'],
  // From a resource that is bound to its end; a session processes what it is sent in a lane.
  'server/session': ['server/login/credential', 'server/routing/lane', 'server/random-text'],
  // From the stream header to its end.
  'server/stream': [
    'server/session',
    'server/net',
    'server/login',
    'server/routing',
    'server/random-text',
    'server/limits',
    'server/log',
  ],
  // Where stanzas go.
  'server/routing': ['server/session', 'server/random-text', 'server/log'],
  // One file for each XEP; none of them knows streams, sockets or stores.
  'server/features': ['server/routing', 'server/session', 'server/accounts', 'server/login/credential', 'server/log'],
  'xmpp/namespaces': [],
  'xmpp/stanza': ['xmpp/address', 'xmpp/xml', 'xmpp/namespaces'],
  'xmpp/xml': ['xmpp/namespaces'],
  'xmpp/address': [],
  'xmpp/sasl': ['xmpp/address', 'xmpp/stream', 'xmpp/xml', 'xmpp/namespaces', 'xmpp/stanza'],
  'xmpp/stream': ['xmpp/address', 'xmpp/sasl', 'xmpp/xml', 'xmpp/namespaces', 'xmpp/stanza'],
  'xmpp/framing': ['xmpp/xml', 'xmpp/namespaces'],
}

/** Files of the wings without a test in the mirrored place, and why; of the others each that exports a value has one. */
const WITHOUT_MIRROR: Readonly<Record<string, string>> = {
  'server/features/all': 'the list itself',
  'server/limits': 'numbers alone',
  'server/login/enrolled-login': 'what an enrolled certificate opens is in certificate-login-afterwards.test.ts',
  'server/net/client-trust': 'a type with its plain value, which is in endpoint.test.ts',
  'server/net/listener': 'a socket with all that stands behind it, in server.test.ts and update.test.ts',
  'server/server-options': 'types, and the domains in them',
  'xmpp/namespaces': 'names alone',
  'xmpp/xml/parse-fault': 'an error and its names',
}

function roomOf(path: string): string {
  const [, folder = ''] = path.split('/')
  return folder.replace(/\.ts$/, '')
}

/** `server/net` of a file in it, `server/log` of `src/server/log.ts`, `store/.` of a hall; undefined outside of the wings. */
function wingRoomOf(path: string): string | undefined {
  const [, wing = '', room = ''] = path.split('/')
  if (!WINGS.includes(wing)) return undefined
  if (HALLS.includes(wing) && room.endsWith('.ts')) return `${wing}/.`
  return `${wing}/${room.replace(/\.ts$/, '')}`
}

function moduleOf(path: string): string {
  return path.replace(/^src\//, '').replace(/\.ts$/, '')
}

function isAllowedInWing(from: string, target: string): boolean {
  const [room, other] = [wingRoomOf(from), wingRoomOf(target)]
  if (room === undefined || other === undefined || room === other) return true
  if (roomOf(from) !== roomOf(target)) return true
  return (WING_ARROWS[room] ?? []).some((arrow) => [roomOf(target), other, moduleOf(target)].includes(arrow))
}

function isAllowed(from: string, target: string): boolean {
  const [room, other] = [roomOf(from), roomOf(target)]
  if (room === other || EVERYWHERE.includes(other)) return true
  return (ARROWS[room] ?? []).some((arrow) => arrow === other || arrow === moduleOf(target))
}

function forbiddenIn(room: string, target: string): boolean {
  return GUARDED.some(([pattern, rooms]) => pattern.test(target) && !rooms.includes(room))
}

/** `isIP` and its kin look at text; everything else in node:net opens sockets. */
function isHarmless({ target, names }: Import): boolean {
  return target === 'node:net' && names.every((name) => name.startsWith('isIP'))
}

function describeImport(file: SourceFile, { target }: Import): string {
  return `${file.path} → ${target}`
}

/** The files of the first cycle that is found, or none. */
function findCycle(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map(({ path, imports }) => [path, imports.filter(({ isLocal }) => isLocal)]))
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return []
    for (const { target } of graph.get(path) ?? []) {
      const cycle = visit(target, [...trail, path])
      if (cycle.length > 0) return cycle
    }
    done.add(path)
    return []
  }
  for (const { path } of files) {
    const cycle = visit(path, [])
    if (cycle.length > 0) return cycle
  }
  return []
}

describe('the house', () => {
  it('has a rule for every room', () => {
    expect([...new Set(sources.map(({ path }) => roomOf(path)))].sort()).toEqual(Object.keys(ARROWS).sort())
  })

  it('has imports in the allowed directions only', () => {
    const wrong = sources.flatMap((file) =>
      file.imports
        .filter(({ target, isLocal }) => isLocal && !isAllowed(file.path, target))
        .map((found) => describeImport(file, found)),
    )
    expect(wrong).toEqual([])
  })

  it('has a rule for every room of a wing', () => {
    const rooms = sources.flatMap(({ path }) => wingRoomOf(path) ?? [])
    expect([...new Set(rooms)].sort()).toEqual(Object.keys(WING_ARROWS).sort())
  })

  it('has imports in the allowed directions only, inside the wings as well', () => {
    const wrong = sources.flatMap((file) =>
      file.imports
        .filter(({ target, isLocal }) => isLocal && !isAllowedInWing(file.path, target))
        .map((found) => describeImport(file, found)),
    )
    expect(wrong).toEqual([])
  })

  it('keeps each package to the rooms that may know it', () => {
    const wrong = sources.flatMap((file) =>
      file.imports
        .filter(({ isLocal, typeOnly }) => !isLocal && !typeOnly)
        .filter((found) => !isHarmless(found) && forbiddenIn(roomOf(file.path), found.target))
        .map((found) => describeImport(file, found)),
    )
    expect(wrong).toEqual([])
  })

  it('has no cycles, not even of types', () => {
    expect(findCycle(sources)).toEqual([])
  })

  it('loads what writes certificates when it comes to that, and not before', () => {
    const files = new Map(sources.map((file) => [file.path, file]))
    const loaded = new Set<string>()
    const load = (path: string) => {
      if (loaded.has(path)) return
      loaded.add(path)
      for (const { target, isDynamic, typeOnly } of files.get(path)?.imports ?? [])
        if (!isDynamic && !typeOnly) load(target)
    }
    for (const { path } of sources) if (/^src\/(main|commands\/|service\/)/.test(path)) load(path)
    expect([...loaded].filter((target) => /^(@peculiar\/|reflect-metadata$)/.test(target))).toEqual([])
    expect(loaded).toContain('src/pki/issue/issue.ts')
  })

  it('has no export that nobody imports', () => {
    const taken = new Set<string>()
    for (const { imports } of [...sources, ...tests, ...tools]) {
      for (const { target, names } of imports) for (const name of names) taken.add(`${target} ${name}`)
    }
    // A type may be exported for the signature that it stands in; a value that nobody imports is dead.
    const isUsedAtHome = (text: string, name: string) => text.split(new RegExp(`\\b${name}\\b`)).length > 2
    const unused = sources
      .filter(({ path }) => path !== 'src/main.ts')
      .flatMap(({ path, text, exports }) =>
        exports
          .filter(({ name }) => !taken.has(`${path} ${name}`) && !taken.has(`${path} *`))
          .filter(({ name, isType }) => !(isType && isUsedAtHome(text, name)))
          .map(({ name }) => `${path} ${name}`),
      )
    expect(unused).toEqual([])
  })

  it('has no basename twice, but below the commands and among the back ends of the store', () => {
    const paths = new Map<string, string[]>()
    for (const { path } of sources) {
      if (path.startsWith('src/commands/')) continue
      const name = path.split('/').at(-1) ?? ''
      paths.set(name, [...(paths.get(name) ?? []), path])
    }
    const twice = [...paths.values()].filter((all) => all.length > 1)
    expect(twice.filter((all) => !all.every((path) => path.startsWith('src/store/')))).toEqual([])
  })

  it('has no folder that is a heap', () => {
    const sizes = new Map<string, number>()
    for (const { path } of sources) {
      const folder = path.slice(0, path.lastIndexOf('/'))
      sizes.set(folder, (sizes.get(folder) ?? 0) + 1)
    }
    const heaps = [...sizes].filter(([folder, size]) => size > MAX_FILES && !MANY_FILES.includes(folder))
    expect(heaps).toEqual([])
  })

  it('has no file that collects', () => {
    const long = sources
      .map(({ path, text }) => [path, text.split('\n').length] as const)
      .filter(([, lines]) => lines > 300)
    expect(long).toEqual([])
  })
})

describe('the tests of the mirrored wings', () => {
  it('stand each in the place of its file', () => {
    const present = new Set(tests.map(({ path }) => path))
    const without = sources
      .filter(({ path }) => MIRRORED.includes(roomOf(path)))
      .filter(({ exports }) => exports.some(({ isType }) => !isType))
      .filter(({ path }) => !present.has(`test/${moduleOf(path)}.test.ts`))
    expect(without.map(({ path }) => moduleOf(path))).toEqual(Object.keys(WITHOUT_MIRROR))
  })
})

describe('every feature', () => {
  it.each(everyFeature().map((feature) => [feature.name, feature] as const))(
    '%s names what it implements',
    (_, feature) => {
      expect(feature.claims.length).toBeGreaterThan(0)
      for (const { spec, scope } of feature.claims) {
        expect(spec).toMatch(/^(RFC \d{4}|XEP-\d{4})$/)
        expect(scope).not.toBe('')
      }
    },
  )
})
