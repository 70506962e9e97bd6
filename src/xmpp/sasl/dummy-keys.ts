import { createHmac, hkdfSync } from 'node:crypto'
import { HASH_FACTS } from './scram-crypto.ts'
import {
  type CountedForm,
  type KeyForm,
  type KeyFormSet,
  SALT_BYTES,
  SCRAM_HASHES,
  type ScramHash,
  type ScramKeySet,
  type ScramKeys,
} from './scram-keys.ts'

/** What dummies are made from besides the name. */
export interface DummyKeySource {
  readonly secret: Uint8Array
  /** In which ways the keys of real accounts of the domain have been made. */
  readonly forms: readonly CountedForm[]
  /** Rounds of a new password, for where there is nothing to be like. */
  readonly iterations: number
  /** The hash of a password that is sent as it is, for where there is nothing to be like. */
  readonly strongest: ScramHash
}

/** One form costs a hash of the name; nobody has so many in earnest. */
const MAX_FORMS = 64

/** A number that is the same for the same words, above 0 and below 1, and that nobody knows without the secret. */
function chance(secret: Uint8Array, words: string): number {
  return (createHmac('sha256', secret).update(words).digest().readUIntBE(0, 6) + 0.5) / 2 ** 48
}

/** The most frequent ones, the same everywhere. */
function commonOf(forms: readonly CountedForm[]): readonly CountedForm[] {
  if (forms.length <= MAX_FORMS) return forms
  const text = ({ form }: CountedForm) => JSON.stringify(form)
  return forms
    .toSorted((a, b) => b.accounts - a.accounts || Buffer.compare(Buffer.from(text(a)), Buffer.from(text(b))))
    .slice(0, MAX_FORMS)
}

/**
 * The forms, in the order in which a name is likely to have them: the first is this or that one as often as accounts are,
 * and so is the first among any part of them. (Each one draws for itself, weighted rendezvous hashing.) When accounts are
 * added, names only come to the forms of those accounts, no more of them than have to, as if their passwords
 * had been changed; all others stay what they are.
 */
function formsFor(name: string, { secret, forms }: DummyKeySource): KeyFormSet[] {
  return commonOf(forms)
    .map(({ form, accounts }) => {
      return { form, distance: -Math.log(chance(secret, `form ${JSON.stringify(form)} ${name}`)) / accounts }
    })
    .sort((a, b) => a.distance - b.distance)
    .map(({ form }) => form)
}

function uuidOf(octets: Buffer): Buffer {
  const hex = octets.toString('hex')
  const variant = '89ab'[(octets[8] ?? 0) & 3]
  return Buffer.from(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
  )
}

/** Another form means another salt, as it does when a password is changed. */
function keysOf(hash: ScramHash, name: string, form: KeyForm, secret: Uint8Array): ScramKeys {
  const { iterations, saltBytes, saltIsUuid } = form
  const make = (what: string, bytes: number) => {
    const words = `${hash} ${what} ${iterations} ${saltBytes} ${saltIsUuid} ${name}`
    return Buffer.from(hkdfSync('sha512', secret, '', Buffer.from(words), bytes))
  }
  const { bytes } = HASH_FACTS[hash]
  const salt = saltIsUuid ? uuidOf(make('salt', 16)) : make('salt', saltBytes)
  return {
    salt: salt.toString('base64'),
    iterations,
    storedKey: make('stored', bytes).toString('base64'),
    serverKey: make('server', bytes).toString('base64'),
  }
}

/**
 * Keys of one hash such as an account of this name could have; nobody knows a password of them, and they are the same
 * every time. An account that has none of that hash gets the same as a name without an account.
 */
export function dummyKeys(hash: ScramHash, name: string, ground: DummyKeySource): ScramKeys {
  const form = formsFor(name, ground).find((one) => one[hash] !== undefined)?.[hash]
  return keysOf(hash, name, form ?? newForm(ground), ground.secret)
}

/** As {@link dummyKeys}: all keys of an account, for a password that is to be compared with them. */
export function dummyKeySet(name: string, ground: DummyKeySource): ScramKeySet {
  const isUsable = (form: KeyFormSet) => SCRAM_HASHES.some((hash) => form[hash] !== undefined)
  const form = formsFor(name, ground).find(isUsable) ?? { [ground.strongest]: newForm(ground) }
  return Object.fromEntries(
    SCRAM_HASHES.flatMap((hash) => {
      const own = form[hash]
      return own === undefined ? [] : [[hash, keysOf(hash, name, own, ground.secret)]]
    }),
  )
}

function newForm({ iterations }: DummyKeySource): KeyForm {
  return { iterations, saltBytes: SALT_BYTES, saltIsUuid: false }
}
