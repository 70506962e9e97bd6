import { error, type Finding, type TableName, warning } from './config-finding.ts'
import { loginFindings } from './login-findings.ts'
import type { C2sConfiguration, Configuration, TlsConfiguration } from './schema.ts'

/** What no key says alone: values that do not go together. */
export function inconsistencies(configuration: Configuration, nameOf: TableName): Finding[] {
  const { listen, auth, store } = configuration
  return [
    ...hostFindings(configuration, nameOf),
    ...addressFindings(configuration, nameOf),
    ...(store.url !== undefined && store.url_file !== undefined
      ? [error('store.url_file', 'there is a url as well', 'remove one of the two')]
      : []),
    ...loginFindings(configuration, nameOf),
    ...listen.c2s.flatMap((listener, index) => tlsFindings(listener, `${nameOf('listen.c2s', index)}.tls`)),
    ...(auth.sasl_external.some((source: string) => source === 'auth_id')
      ? [warning('auth.sasl_external', '"auth_id" lets every certificate log in as any user', 'remove it')]
      : []),
  ]
}

function hostFindings({ general, host_config }: Configuration, nameOf: TableName): Finding[] {
  const seen = new Set<string>()
  return host_config.flatMap(({ host }, index) => {
    const key = `${nameOf('host_config', index)}.host`
    if (seen.has(host)) return [error(key, `${host} is there twice`, 'remove one of the two')]
    seen.add(host)
    const isServed = general.hosts.includes(host)
    return isServed ? [] : [error(key, `${host} is not served`, 'add it to hosts in [general], or remove the table')]
  })
}

/** Port 0 is another one every time. */
function addressFindings({ listen }: Configuration, nameOf: TableName): Finding[] {
  const { c2s, http } = listen
  if (c2s.length === 0) return [error('listen.c2s', 'there is no listener', 'remove the empty list')]
  const places = c2s.map(({ ip_address, port }, index) => ({
    name: nameOf('listen.c2s', index),
    place: `${ip_address} ${port}`,
    port,
  }))
  if (http !== undefined)
    places.push({ name: 'listen.http', place: `${http.ip_address} ${http.port}`, port: http.port })
  return places.flatMap(({ name, place, port }, index) => {
    const first = places.findIndex((other) => other.place === place)
    if (port === 0 || first === index) return []
    return [
      error(`${name}.port`, `${place.replace(' ', ' port ')} is taken by ${places[first]?.name}`, 'choose another'),
    ]
  })
}

function tlsFindings({ tls }: C2sConfiguration, key: string): Finding[] {
  return [...pairFindings(tls, key), ...revocationFindings(tls, key)]
}

function pairFindings({ certfile, keyfile, password_file }: TlsConfiguration, key: string): Finding[] {
  if (certfile !== undefined && keyfile === undefined) {
    return [error(`${key}.certfile`, 'keyfile is missing', 'name the file with the key; it may be the same')]
  }
  if (certfile === undefined && keyfile !== undefined) {
    return [error(`${key}.keyfile`, 'certfile is missing', 'name the file with the certificate; it may be the same')]
  }
  if (keyfile === undefined && password_file !== undefined) {
    return [error(`${key}.password_file`, 'there is no keyfile that it opens', 'name certfile and keyfile')]
  }
  return []
}

function revocationFindings(tls: TlsConfiguration, key: string): Finding[] {
  const { verify_mode, cacertfile, crl_files, crl_mode, disconnect_on_failure } = tls
  if (verify_mode === 'none') {
    const unused = cacertfile.length > 0 || crl_files.length > 0 || disconnect_on_failure
    return unused
      ? [error(`${key}.verify_mode`, 'no certificate is asked for that other keys are about', 'write "peer"')]
      : []
  }
  if (verify_mode === 'selfsigned_peer') {
    const message = 'whoever makes a certificate for a user, with any tool, can log in as that user'
    return [warning(`${key}.verify_mode`, message, 'write "peer"')]
  }
  if (crl_mode === 'hard' && cacertfile.length > 0 && crl_files.length === 0) {
    return [
      warning(`${key}.crl_mode`, 'no certificate of the CAs in cacertfile is accepted without a CRL', 'name crl_files'),
    ]
  }
  return []
}
