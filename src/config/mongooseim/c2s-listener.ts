import { SCHEMA } from '../schema.ts'
import {
  different,
  type ForeignListener,
  type ForeignShaping,
  type ForeignTls,
  leftOut,
  type Options,
  type Remark,
} from './foreign-options.ts'
import { hasAccounts } from './passwords.ts'
import { type LoginPolicy, letsPasswordsIn } from './policy.ts'
import { listenerRemarks, tlsRemarks } from './reasons.ts'
import { importShaper } from './shaping.ts'

interface ImportedListener {
  /** Keys of `[[listen.c2s]]`; those of `tls` with its name before them. */
  readonly values: Options
  readonly remarks: readonly Remark[]
}

const { fields: FIELDS } = SCHEMA.listen.fields.c2s
const { fields: TLS_FIELDS } = FIELDS.tls

/** Collects what the schema accepts; what it does not is a remark. */
class Collector {
  readonly values: Record<string, unknown> = {}
  readonly remarks: Remark[] = []
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  put(key: keyof typeof FIELDS, value: unknown): void {
    const field = FIELDS[key]
    if (field.kind === 'option') this.#put(key, value, field.check(value))
  }

  putTls(key: keyof typeof TLS_FIELDS, value: unknown): void {
    if (value !== undefined) this.#put(`tls.${key}`, value, TLS_FIELDS[key].check(value))
  }

  #put(key: string, value: unknown, checked: { readonly value: unknown } | { readonly wrong: string }): void {
    if ('value' in checked) this.values[key] = value
    else this.leave(key, `${checked.wrong}; the default holds`)
  }

  leave(key: string, reason: string): void {
    this.remarks.push(leftOut(`${this.#name} ${key}`, reason))
  }

  differ(key: string, reason: string): void {
    this.remarks.push(different(`${this.#name} ${key}`, reason))
  }
}

/**
 * A listener as xmppki has it. Certificates log in on it only if they did before: in every doubt `verify_mode` becomes
 * "none".
 */
export function importListener(
  listener: ForeignListener,
  policy: LoginPolicy,
  shaping: ForeignShaping,
): ImportedListener {
  const { name, port, ip_address, others, tls } = listener
  const collector = new Collector(name)
  collector.put('port', port)
  collector.put('ip_address', ip_address)
  const rest = Object.entries(others).filter(([key, value]) => {
    const isKnown = key === 'max_connections' || key === 'max_stanza_size'
    if (isKnown && value !== 'infinity') collector.put(key, value)
    if (isKnown && value === 'infinity') collector.leave(key, 'there is always a limit; the default holds')
    return !isKnown
  })
  const shaper = importShaper(listener, shaping)
  if (shaper.limit !== undefined) collector.put('max_bytes_per_second', shaper.limit)
  importMethods(collector, listener, policy)
  importTls(collector, listener, policy)
  return {
    values: collector.values,
    remarks: [
      ...collector.remarks,
      ...shaper.remarks,
      ...listenerRemarks(name, Object.fromEntries(rest)),
      ...tlsRemarks(name, tls?.others ?? {}),
    ],
  }
}

/** Says nothing where there is no choice; where nothing is left nobody logs in, as it was. */
function importMethods(collector: Collector, { allowed }: ForeignListener, policy: LoginPolicy): void {
  if (allowed === undefined || !letsPasswordsIn(policy)) return
  const methods = [
    ...(hasAccounts(allowed) ? ['rdbms'] : []),
    ...(allowed.includes('pki') && policy.off === undefined ? ['pki'] : []),
  ]
  collector.put('allowed_auth_methods', methods.length === 0 ? ['pki'] : methods)
}

function importTls(collector: Collector, listener: ForeignListener, policy: LoginPolicy): void {
  const { tls } = listener
  const off = offReason(listener, policy)
  if (tls === undefined) collector.differ('tls', 'was off: xmppki always has it, and requires it here')
  collector.putTls('mode', tls?.mode ?? 'starttls_required')
  collector.putTls('verify_mode', off === undefined ? tls?.verify_mode : 'none')
  const who = letsPasswordsIn(policy) ? 'no certificate' : 'nobody'
  if (off !== undefined) collector.differ('tls.verify_mode', `is "none", so ${who} logs in here: ${off}`)
  if (tls === undefined) return
  if (off === undefined) importVerification(collector, tls)
  importKeyPair(collector, tls)
  collector.putTls('versions', supported(collector, tls.versions))
  collector.putTls('ciphers', tls.ciphers)
  if (tls.session_tickets) collector.putTls('session_tickets', true)
}

/** Why no certificate logs in here; undefined when they do. */
function offReason({ tls, allowed }: ForeignListener, { off }: LoginPolicy): string | undefined {
  if (tls === undefined) return 'without TLS there was no certificate'
  if (!('value' in TLS_FIELDS.verify_mode.check(tls.verify_mode))) return 'verify_mode is unknown'
  if (tls.verify_mode === 'none') return 'clients were not asked for a certificate'
  if (allowed !== undefined && !allowed.includes('pki')) return 'pki is not among allowed_auth_methods'
  return off
}

function importVerification(collector: Collector, tls: ForeignTls): void {
  const { cacertfile, crl_files, disconnect_on_failure } = tls
  collector.putTls('disconnect_on_failure', disconnect_on_failure)
  if (cacertfile === undefined) {
    collector.differ('tls.cacertfile', 'is not set: the CAs of the workspace count, not those of the operating system')
  } else collector.putTls('cacertfile', [cacertfile])
  if (crl_files.length === 0) return
  collector.putTls('crl_files', [...new Set(crl_files)])
  collector.differ('tls.crl_files', 'is in force: revoked certificates are refused, which MongooseIM does not do')
}

function importKeyPair(collector: Collector, { certfile, keyfile }: ForeignTls): void {
  if (certfile === undefined && keyfile !== undefined) collector.leave('tls.keyfile', 'there is no certfile')
  if (certfile === undefined) return
  collector.putTls('certfile', certfile)
  collector.putTls('keyfile', keyfile ?? certfile)
}

/** Versions before TLS 1.2 are left out. */
function supported(collector: Collector, versions: readonly string[] | undefined): readonly string[] | undefined {
  const known = versions?.filter((version) => {
    const isKnown = 'value' in TLS_FIELDS.versions.check([version])
    if (!isKnown) collector.leave(`tls.versions ${version}`, 'TLS 1.2 and 1.3 are spoken')
    return isKnown
  })
  return known === undefined ? undefined : [...new Set(known)]
}
