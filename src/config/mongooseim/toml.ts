import { text } from '../kinds.ts'
import { parseToml } from '../toml-document.ts'
import { isTable } from '../walk.ts'
import {
  type AccessClause,
  different,
  type ForeignAuth,
  type ForeignConfiguration,
  type ForeignListener,
  type ForeignShaping,
  type ForeignTls,
  leftOut,
  OptionReader,
  type Options,
  type Remark,
} from './foreign-options.ts'
import { sectionRemark } from './reasons.ts'
import { readSuites } from './suites.ts'

/** The methods of authentication of all releases; each can be a section of `[auth]`. */
const METHODS = ['anonymous', 'dummy', 'external', 'http', 'internal', 'jwt', 'ldap', 'pki', 'rdbms', 'riak']

/**
 * Reads a `mongooseim.toml`: of today's releases, and what 4.0 to 6.3 called otherwise.
 * @param source how the file is called in messages
 * @throws {XmppkiError} BAD_INPUT
 */
export function readToml(document: string, source: string): ForeignConfiguration {
  const hint = 'give the mongooseim.toml or mongooseim.cfg of MongooseIM'
  return new TomlReader(parseToml(document, { source, hint }).values, source).read()
}

class TomlReader {
  readonly #top: OptionReader
  readonly #source: string
  readonly #remarks: Remark[] = []

  constructor(document: Options, source: string) {
    this.#top = new OptionReader(document, source)
    this.#source = source
  }

  read(): ForeignConfiguration {
    const general = this.#section(this.#top, 'general')
    const s2s = this.#section(this.#top, 's2s')
    const auth = this.#top.table('auth')
    const read = {
      hosts: general.texts('hosts') ?? [],
      loglevel: general.text('loglevel'),
      c2s: this.#listeners(),
      shaping: this.#shaping(),
      auth: auth === undefined ? undefined : this.#auth(auth, 'auth'),
      hostAuth: this.#hostAuth(),
      hostCertificates: [...this.#certificates(general), ...this.#certificates(s2s)],
    }
    const domain = general.text('default_server_domain')
    if (domain !== undefined && !read.hosts.includes(domain)) this.#leave('general.default_server_domain')
    for (const name of Object.keys(general.rest())) this.#leave(`general.${name}`)
    if (Object.keys(s2s.rest()).length > 0) this.#leave('s2s')
    for (const name of Object.keys(this.#top.table('modules') ?? {})) this.#leave(`modules.${name}`)
    for (const name of Object.keys(this.#top.rest())) this.#leave(name)
    return { ...read, remarks: this.#remarks }
  }

  #leave(name: string): void {
    this.#remarks.push(sectionRemark(name))
  }

  #section(parent: OptionReader, name: string): OptionReader {
    return new OptionReader(parent.table(name) ?? {}, `${this.#source}: [${name}]`)
  }

  /** In `[general]` from 5.1 to 6.3, in `[s2s]` before. */
  #certificates(section: OptionReader): { host: string; certfile: string }[] {
    return (section.tables('domain_certfile') ?? []).map((one) => {
      const reader = new OptionReader(one, `${this.#source}: domain_certfile`)
      const host = reader.text('domain') ?? reader.fail('domain', 'given')
      return { host, certfile: reader.text('certfile') ?? reader.fail('certfile', 'given') }
    })
  }

  #listeners(): ForeignListener[] {
    const listen = this.#section(this.#top, 'listen')
    const c2s = listen.tables('c2s') ?? []
    for (const [type, raw] of Object.entries(listen.rest())) {
      for (const one of [raw].flat() as unknown[]) {
        const port = typeof one === 'object' && one !== null && 'port' in one ? ` ${one.port}` : ''
        this.#remarks.push(leftOut(`listen.${type}${port}`, sectionRemark(`listen ${type}`).reason))
      }
    }
    return c2s.map((one, index) => this.#listener(one, index))
  }

  #listener(raw: Options, index: number): ForeignListener {
    const place = `${this.#source}: listen.c2s[${index}]`
    const reader = new OptionReader(raw, place)
    const port = reader.port('port')
    const name = `listen.c2s ${port}`
    const any = reader.integer('ip_version') === 6 ? '::' : '0.0.0.0'
    const tls = reader.table('tls')
    return {
      name,
      port,
      ip_address: reader.text('ip_address') ?? any,
      tls: tls === undefined ? undefined : this.#tls(new OptionReader(tls, `${place}.tls`), name),
      allowed: reader.texts('allowed_auth_methods'),
      shaper: reader.text('shaper'),
      others: reader.rest(),
    }
  }

  #shaping(): ForeignShaping {
    const shapers = Object.entries(this.#top.table('shaper') ?? {})
    const rules = Object.entries(this.#top.table('access') ?? {})
    return {
      rates: new Map(shapers.map(([name, shaper]) => [name, isTable(shaper) ? shaper['max_rate'] : undefined])),
      rules: new Map(rules.map(([name, rule]) => [name, clausesOf(rule)])),
      doubts: { rule: 'releases 6.1 to 6.3 pass the access rule over, and limit nobody' },
    }
  }

  #tls(reader: OptionReader, name: string): ForeignTls {
    const verification = this.#verification(reader, name)
    const certfile = reader.text('certfile')
    const suites = readSuites(reader)
    return {
      ...verification,
      mode: reader.text('mode') ?? 'starttls',
      certfile,
      // Before 6.4 the file of the certificate could hold the key as well.
      keyfile: reader.text('keyfile') ?? certfile,
      cacertfile: reader.text('cacertfile'),
      versions: reader.texts('versions') ?? suites.versions,
      ciphers: suites.ciphers,
      crl_files: reader.texts('crl_files') ?? [],
      session_tickets: reader.text('session_tickets') === 'stateless',
      others: { ...reader.rest(), ...suites.others },
    }
  }

  /**
   * Today `verify_mode` is "peer" by default. With `module` (4.0 to 6.3) a listener may be one of 4.x, which asked for
   * a certificate only with `verify_peer`, and whose fast_tls let a bad one pass the handshake.
   */
  #verification(reader: OptionReader, name: string): Pick<ForeignTls, 'verify_mode' | 'disconnect_on_failure'> {
    const module = reader.text('module')
    const asks = reader.flag('verify_peer')
    const mode = reader.text('verify_mode')
    const disconnects = reader.flag('disconnect_on_failure')
    const isOld = module !== undefined || asks !== undefined || reader.has('protocol_options')
    if (isOld && asks === undefined && mode === undefined) {
      const reason = 'is not set, which meant "none" in 4.x and "peer" later: none is taken'
      this.#remarks.push(different(`${name} tls.verify_mode`, reason))
      return { verify_mode: 'none', disconnect_on_failure: false }
    }
    const isFast = isOld && module !== 'just_tls'
    return {
      verify_mode: asks === false ? 'none' : (mode ?? 'peer'),
      disconnect_on_failure: disconnects ?? !isFast,
    }
  }

  #auth(raw: Options, section: string): ForeignAuth {
    const reader = new OptionReader(raw, `${this.#source}: [${section}]`)
    const name = new OptionReader(reader.table('sasl_external_common_name') ?? {}, `${this.#source}: [${section}]`)
    const listed = reader.texts('methods')
    const sources = reader.texts('sasl_external') ?? []
    const mechanisms = reader.texts('sasl_mechanisms') ?? []
    const rest = Object.entries(reader.rest())
    return {
      methods: listed ?? METHODS.filter((method) => rest.some(([key]) => key === method)),
      sasl_mechanisms: mechanisms,
      sasl_external: sources.length === 0 ? ['standard'] : sources,
      prefix: affixOf(name, 'prefix'),
      suffix: affixOf(name, 'suffix'),
      others: Object.fromEntries(rest.filter(([key]) => !METHODS.includes(key))),
    }
  }

  /** `host_config.auth` takes the place of `[auth]` as a whole. */
  #hostAuth(): Map<string, ForeignAuth> {
    const found = new Map<string, ForeignAuth>()
    for (const one of this.#top.tables('host_config') ?? []) {
      const reader = new OptionReader(one, `${this.#source}: host_config`)
      const host = reader.text('host')
      const type = reader.text('host_type')
      const auth = reader.table('auth')
      if (host === undefined && type === undefined) reader.fail('host', 'given')
      const name = `host_config ${host ?? type}`
      if (host === undefined) this.#remarks.push(leftOut(name, sectionRemark('general.host_types').reason))
      else {
        if (auth !== undefined) found.set(host, this.#auth(auth, name))
        for (const key of Object.keys(reader.rest())) {
          this.#remarks.push(leftOut(`${name} ${key}`, sectionRemark(key).reason))
        }
      }
    }
    return found
  }
}

function clausesOf(rule: unknown): AccessClause[] | undefined {
  const clauses: unknown[] = [rule].flat()
  if (!clauses.every(isTable)) return undefined
  return clauses.map(({ acl = 'all', value }) => ({ acl: String(acl), value }))
}

function affixOf(reader: OptionReader, key: 'prefix' | 'suffix'): string {
  const affix = reader.text(key) ?? ''
  return 'value' in text.check(affix) ? affix : reader.fail(key, 'part of a username')
}
