import type { Problem } from '../config/origin.ts'
import type { Configuration } from '../config/schema.ts'
import { storeUrl } from '../config/store-url.ts'
import type { Setting } from '../config/walk.ts'
import { XmppkiError } from '../errors.ts'
import { TrustAnchors } from '../trust/anchors.ts'
import { readInputFile } from '../workspace/input-file.ts'
import { readCertificateFiles } from './certificate-files.ts'
import { assertCiphers } from './ciphers.ts'

/** A look at one value, as `serve` looks at it; it throws what keeps `serve` from starting. */
type Look = (warn: (text: string) => void) => void

/** What is wrong inside the files that a configuration names, and with its ciphers. */
export function materialProblems(configuration: Configuration, settings: readonly Setting[]): Problem[] {
  const origins = new Map(settings.map(({ key, origin }) => [key, origin]))
  return looks(configuration, (key) => origins.has(key)).flatMap(([key, look]) => {
    const place = { key, origin: origins.get(key) ?? { from: 'default' as const } }
    const problems: Problem[] = []
    try {
      look((message) => problems.push({ severity: 'warning', ...place, message }))
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      const { message, hint } = error
      problems.push({ severity: 'error', ...place, message, ...(hint === undefined ? {} : { fix: hint }) })
    }
    return problems
  })
}

function looks(configuration: Configuration, isKey: (key: string) => boolean): [string, Look][] {
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
    const { certfile, keyfile, password_file: passwordFile, cacertfile, ciphers } = tls
    const name = (key: string) => nameOf('listen.c2s', index, `tls.${key}`, isKey)
    const certificates =
      certfile === undefined || keyfile === undefined
        ? []
        : others.map((domain): [string, Look] => {
            const files = { certfile, keyfile, passwordFile, ciphers }
            return [name('certfile'), (warn) => readCertificateFiles(domain, files, warn)]
          })
    const authorities = cacertfile.map((path): [string, Look] => [name('cacertfile'), () => readAuthorities(path)])
    return [...certificates, ...authorities, [name('ciphers'), () => ciphers === undefined || assertCiphers(ciphers)]]
  })
  return [...own, ...ofListeners, ['store.url_file', () => storeUrl(configuration)]]
}

/** A single table has no index. */
function nameOf(array: string, index: number, key: string, isKey: (key: string) => boolean): string {
  const single = `${array}.${key}`
  return isKey(single) ? single : `${array}[${index}].${key}`
}

function readAuthorities(path: string): TrustAnchors {
  return new TrustAnchors([readInputFile(path).toString('latin1')], path)
}
