import type { Problem } from '../../config/origin.ts'
import type { Configuration, TlsConfiguration } from '../../config/schema.ts'
import { storeUrl } from '../../config/store-url.ts'
import type { Setting } from '../../config/walk.ts'
import { XmppkiError } from '../../errors.ts'
import { readCertificateFiles } from '../credentials/certificate-files.ts'
import { assertCiphers } from '../credentials/ciphers.ts'
import { readListenerCas } from '../trust/listener-trust.ts'
import { checkRegistration } from './registration-check.ts'
import { examineTrust, type TrustReport } from './trust-check.ts'

/** A look at one value, as `serve` looks at it; it throws what keeps `serve` from starting. */
type Look = (warn: (text: string, fix?: string) => void) => unknown

/** What is wrong inside the files that a configuration names, and with its ciphers. */
export interface Material {
  readonly problems: readonly Problem[]
  /** The CRLs that count, for people. */
  readonly covered: readonly string[]
}

/** @param own PEM of the CAs of the workspace */
export async function examineMaterial(
  configuration: Configuration,
  settings: readonly Setting[],
  own: readonly string[],
): Promise<Material> {
  const origins = new Map(settings.map(({ key, origin }) => [key, origin]))
  const isKey = (key: string) => origins.has(key)
  const problems: Problem[] = []
  const covered: string[] = []
  const trustLooks: TrustLooks = (tls, name) => looksAtTrust(tls, name, own, (texts) => covered.push(...texts))
  const registration: Look = () => examineRegistration(configuration, own)
  for (const [key, look] of [
    ...looks(configuration, isKey, trustLooks),
    ['auth.registration', registration] as const,
  ]) {
    const place = { key, origin: origins.get(key) ?? { from: 'default' as const } }
    const add = (severity: Problem['severity'], message: string, fix: string | undefined) => {
      problems.push({ severity, ...place, message, ...(fix === undefined ? {} : { fix }) })
    }
    try {
      await look((message, fix) => add('warning', message, fix))
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      add('error', error.message, error.hint)
    }
  }
  return { problems, covered }
}

/** CAs that cannot be read are a problem of their own. */
async function examineRegistration(configuration: Configuration, own: readonly string[]): Promise<void> {
  for (const { tls } of configuration.listen.c2s) {
    const cas = tls.verify_mode === 'none' ? undefined : await readListenerCas(own, tls).catch(() => undefined)
    if (cas !== undefined) checkRegistration(configuration, cas.all, cas.ours)
  }
}

type TrustLooks = (tls: TlsConfiguration, name: (key: string) => string) => [string, Look][]

/** At the files with CAs and CRLs of a listener. */
function looksAtTrust(
  tls: TlsConfiguration,
  name: (key: string) => string,
  own: readonly string[],
  cover: (texts: readonly string[]) => void,
): [string, Look][] {
  if (tls.verify_mode === 'none' || tls.cacertfile.length + tls.crl_files.length === 0) return []
  let report: Promise<TrustReport> | undefined
  const examine = () => {
    report ??= examineTrust(own, tls, new Date())
    return report
  }
  const authorities: Look = async (warn) => {
    for (const { text, fix } of (await examine()).authorities) warn(text, fix)
  }
  const lists: Look = async (warn) => {
    // What keeps the CAs from being read has been said.
    const { lists: found, covered } = await examine().catch(() => NOTHING)
    for (const { text, fix } of found) warn(text, fix)
    cover(covered)
  }
  return [
    [name('cacertfile'), authorities],
    [name(tls.crl_files.length > 0 ? 'crl_files' : 'cacertfile'), lists],
  ]
}

const NOTHING: TrustReport = { authorities: [], lists: [], covered: [] }

function looks(configuration: Configuration, isKey: (key: string) => boolean, trust: TrustLooks): [string, Look][] {
  const { general, host_config, listen } = configuration
  const lists = new Set(listen.c2s.map(({ tls }) => tls.ciphers))
  const own = host_config.flatMap(({ host, certfile, keyfile, password_file: passwordFile }, index) =>
    // As the listeners do, which may ask for different strengths.
    [...lists].map((ciphers): [string, Look] => {
      const files = { certfile, keyfile, passwordFile, ciphers }
      return [nameOf('host_config', index, 'certfile', isKey), (warn) => readCertificateFiles(host, files, warn)]
    }),
  )
  const others = general.hosts.filter((domain) => host_config.every(({ host }) => host !== domain))
  const ofListeners = listen.c2s.flatMap(({ tls }, index): [string, Look][] => {
    const { certfile, keyfile, password_file: passwordFile, ciphers } = tls
    const name = (key: string) => nameOf('listen.c2s', index, `tls.${key}`, isKey)
    const certificates =
      certfile === undefined || keyfile === undefined
        ? []
        : others.map((domain): [string, Look] => {
            const files = { certfile, keyfile, passwordFile, ciphers }
            return [name('certfile'), (warn) => readCertificateFiles(domain, files, warn)]
          })
    return [
      ...certificates,
      ...trust(tls, name),
      [name('ciphers'), () => ciphers === undefined || assertCiphers(ciphers)],
    ]
  })
  return [...own, ...ofListeners, ['store.url_file', () => storeUrl(configuration)]]
}

/** A single table has no index. */
function nameOf(array: string, index: number, key: string, isKey: (key: string) => boolean): string {
  const single = `${array}.${key}`
  return isKey(single) ? single : `${array}[${index}].${key}`
}
