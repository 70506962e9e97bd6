import type { ScramKeySet } from '../xmpp/sasl/scram-keys.ts'
import { rowError } from './foreign-account.ts'
import { keyOctets, parseIterations, scramHash, scramKeys } from './scram-row.ts'

const SINGLE = '==SCRAM==,'
const MULTI = '==MULTI_SCRAM==,'
const MULTI_PART = /^===?(SHA\d+)===?([^|]*)\|([^|]*)\|([^|]*)$/

/**
 * The keys in the column `pass_details` of MongooseIM: `==SCRAM==,stored key,server key,salt,iterations` for SHA-1 alone,
 * or `==MULTI_SCRAM==,iterations,===SHA1===salt|stored key|server key,==SHA256==…`. Those of SHA-224 and SHA-384 are
 * left out, unless there are no others.
 * @throws {XmppkiError} BAD_INPUT
 */
export function readPassDetails(text: string): ScramKeySet {
  if (text.startsWith(SINGLE)) return single(text.slice(SINGLE.length))
  if (text.startsWith(MULTI)) return multi(text.slice(MULTI.length))
  throw rowError('pass_details begins with neither ==SCRAM== nor ==MULTI_SCRAM==')
}

function single(text: string): ScramKeySet {
  const [storedKey, serverKey, salt, iterations, ...rest] = text.split(',')
  if (storedKey === undefined || serverKey === undefined || salt === undefined || iterations === undefined) {
    throw rowError('pass_details has fewer than four parts')
  }
  if (rest.length > 0) throw rowError('pass_details has more than four parts')
  return Object.fromEntries([
    scramKeys({ hash: 'sha-1', ...keyOctets({ salt, storedKey, serverKey }), iterations: parseIterations(iterations) }),
  ])
}

function multi(text: string): ScramKeySet {
  const [count = '', ...parts] = text.split(',')
  const iterations = parseIterations(count)
  const found = parts.map((part) => {
    const [, hash, salt, storedKey, serverKey] = MULTI_PART.exec(part) ?? []
    if (hash === undefined || salt === undefined || storedKey === undefined || serverKey === undefined) {
      throw rowError('a part of pass_details is not of the form ==HASH==salt|stored key|server key')
    }
    return { hash, salt, storedKey, serverKey }
  })
  const known = found.filter(({ hash }) => scramHash(hash) !== undefined)
  // What is not used here says so itself, when it is all that there is.
  const used = known.length > 0 ? known : found
  if (used.length === 0) throw rowError('pass_details has no keys')
  return Object.fromEntries(used.map(({ hash, ...texts }) => scramKeys({ hash, ...keyOctets(texts), iterations })))
}
