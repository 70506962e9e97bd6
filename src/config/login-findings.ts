import { error, type Finding, type TableName, warning } from './config-finding.ts'
import { type LoginMethods, loginMethods } from './login-methods.ts'
import { type C2sConfiguration, type Configuration, GOOD_RSA_BITS } from './schema.ts'

/** What does not go together of who may log in, and where. */
export function loginFindings(configuration: Configuration, nameOf: TableName): Finding[] {
  const { auth, listen } = configuration
  const logins = loginMethods(auth)
  return [
    ...methodFindings(auth, logins),
    ...accountFindings(auth),
    ...keyFindings(auth, logins),
    ...listen.c2s.flatMap((listener, index) =>
      listenerFindings(listener, { auth, logins, name: nameOf('listen.c2s', index) }),
    ),
  ]
}

type Auth = Configuration['auth']

function methodFindings({ methods, password }: Auth, { certificates, passwords }: LoginMethods): Finding[] {
  const key = 'auth.sasl_mechanisms'
  if (!certificates && passwords.size === 0) {
    const able = methods.map((method) => (method === 'pki' ? '"external"' : '"scram"')).join(' or ')
    return [error(key, `nobody can log in: none of them is for ${methods.join(' or ')}`, `add ${able}`)]
  }
  const findings: Finding[] = []
  if (methods.includes('pki') && !certificates) {
    findings.push(warning(key, 'no certificate logs in: "external" is missing', 'add it, or remove "pki" from methods'))
  }
  if (methods.includes('rdbms') && passwords.size === 0) {
    const fix = `add "scram" with a hash of ${password.hash.join(', ')}, or "plain"`
    findings.push(warning(key, 'no password logs in: there is no mechanism for rdbms', fix))
  }
  return findings
}

function accountFindings({ methods, pki, registration }: Auth): Finding[] {
  const hasAccounts = methods.includes('rdbms')
  const findings: Finding[] = []
  if (pki.require_account && !hasAccounts) {
    findings.push(error('auth.pki.require_account', 'there are no accounts', 'add "rdbms" to methods'))
  }
  if (registration && !hasAccounts) {
    findings.push(error('auth.registration', 'accounts have nowhere to be', 'add "rdbms" to methods'))
  } else if (registration && methods.includes('pki')) {
    const key = 'auth.registration'
    const message = 'a stranger could register the name in a certificate'
    // Names that the ledger knows are not free. Where certificates need no account, others are anybody's who comes first.
    findings.push(
      pki.require_account
        ? warning(key, `${message} that is not in the ledger`, 'remove it, or make the account before the certificate')
        : error(key, `${message} of somebody else`, 'remove it, or set require_account in [auth.pki]'),
    )
  }
  return findings
}

function keyFindings({ pki: { min_rsa_bits: bits } }: Auth, { certificates }: LoginMethods): Finding[] {
  if (bits >= GOOD_RSA_BITS || !certificates) return []
  const message = `RSA keys of ${bits} bits can be broken, and then anybody is their owner`
  const fix = `write ${GOOD_RSA_BITS} as soon as the certificates are replaced`
  return [warning('auth.pki.min_rsa_bits', message, fix)]
}

interface Place {
  readonly auth: Auth
  readonly logins: LoginMethods
  readonly name: string
}

function listenerFindings({ tls, allowed_auth_methods: allowed }: C2sConfiguration, place: Place): Finding[] {
  const { auth, logins, name } = place
  const unknown = allowed?.find((method) => !auth.methods.includes(method))
  if (unknown !== undefined) {
    const fix = 'add it there, or remove it here'
    return [error(`${name}.allowed_auth_methods`, `${unknown} is not among methods in [auth]`, fix)]
  }
  const takesPasswords = logins.passwords.size > 0 && (allowed === undefined || allowed.includes('rdbms'))
  if (tls.verify_mode !== 'none' || takesPasswords) return []
  return [warning(`${name}.tls.verify_mode`, 'nobody can log in: EXTERNAL needs a certificate', 'write "peer"')]
}
