import { SCRAM_HASHES, type ScramHash, scramName } from '../xmpp/sasl/scram-keys.ts'

/** Where accounts come from: certificates, and a database with passwords. */
export const AUTH_METHODS = ['pki', 'rdbms'] as const

export type AuthMethod = (typeof AUTH_METHODS)[number]

/** MongooseIM's older name for the same. */
export const METHOD_ALIASES = { odbc: 'rdbms' } as const

/** `scram` is all of them, each with and without channel binding. */
export const MECHANISMS = [
  'external',
  'scram',
  'scram_sha512_plus',
  'scram_sha512',
  'scram_sha256_plus',
  'scram_sha256',
  'scram_sha1_plus',
  'scram_sha1',
  'plain',
] as const

type Mechanism = (typeof MECHANISMS)[number]

/** As MongooseIM called them before version 4. */
export const MECHANISM_ALIASES: Readonly<Record<string, Mechanism>> = Object.fromEntries(
  MECHANISMS.map((name) => [`cyrsasl_${name}`, name]),
)

/** MongooseIM's names, and how else one would write them. */
export const HASH_ALIASES: Readonly<Record<string, ScramHash>> = {
  sha: 'sha-1',
  sha1: 'sha-1',
  sha256: 'sha-256',
  sha512: 'sha-512',
}

interface AuthConfiguration {
  readonly methods: readonly AuthMethod[]
  readonly sasl_mechanisms: readonly Mechanism[]
  readonly password: { readonly hash: readonly ScramHash[] }
}

/** What one can log in with. */
export interface LoginMethods {
  readonly certificates: boolean
  /** Names of mechanisms as SASL has them; none without a database of accounts. */
  readonly passwords: ReadonlySet<string>
}

/** As in MongooseIM the mechanisms are filtered by what the methods can do, and SCRAM by what passwords are kept for. */
export function loginMethods({ methods, sasl_mechanisms: listed, password }: AuthConfiguration): LoginMethods {
  const isOn = (hash: ScramHash, plus: boolean) => {
    const own: string = `scram_${hash.replace('-', '')}${plus ? '_plus' : ''}`
    return password.hash.includes(hash) && listed.some((name) => name === 'scram' || name === own)
  }
  const scram = SCRAM_HASHES.flatMap((hash) =>
    [true, false].filter((plus) => isOn(hash, plus)).map((plus) => scramName(hash, plus)),
  )
  const passwords = [...scram, ...(listed.includes('plain') ? ['PLAIN'] : [])]
  return {
    certificates: methods.includes('pki') && listed.includes('external'),
    passwords: new Set(methods.includes('rdbms') ? passwords : []),
  }
}
