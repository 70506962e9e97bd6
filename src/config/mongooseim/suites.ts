import type { OptionReader, Options } from './foreign-options.ts'

/** What `protocol_options` turns off, and the version that then is not spoken. */
const VERSIONS = [
  ['no_tlsv1_2', 'tlsv1.2'],
  ['no_tlsv1_3', 'tlsv1.3'],
] as const

/** Older versions than TLS 1.2 are off here anyway. */
const PAST = /^no_(sslv2|sslv3|tlsv1|tlsv1_1)$/

interface Suites {
  readonly versions: readonly string[] | undefined
  readonly ciphers: string | undefined
  readonly others: Options
}

/** Takes `protocol_options` (a list, or one string with bars) and `ciphers` of a listener. */
export function readSuites(reader: OptionReader): Suites {
  const options = (reader.texts('protocol_options') ?? []).flatMap((one) => one.split('|'))
  const off = options.filter((one) => VERSIONS.some(([option]) => option === one))
  const strange = options.some((one) => !PAST.test(one) && !off.includes(one))
  const left = VERSIONS.filter(([option]) => !off.includes(option)).map(([, version]) => version)
  const ciphers = reader.raw('ciphers')
  const isList = ciphers === undefined || typeof ciphers === 'string'
  return {
    versions: off.length === 0 ? undefined : left,
    ciphers: isList ? ciphers : undefined,
    others: { ...(strange ? { protocol_options: options } : {}), ...(isList ? {} : { ciphers }) },
  }
}
