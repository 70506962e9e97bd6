import { readFileSync, statSync } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { type CrlFacts, readCrl } from '../pki/crl.ts'
import { decodePemAll } from '../pki/pem.ts'
import type { Log } from '../server/log.ts'

/** Lists of the largest public CAs have some 30 MB. */
const MAX_BYTES = 67_108_864

/** Of a list in PEM (RFC 7468 §6). */
export const CRL_LABEL = 'X509 CRL'

interface ReadFile {
  readonly version: string
  readonly crls: readonly CrlFacts[]
}

/**
 * The files of `crl_files`, and those of `cacertfile` with lists in them, read again when they have changed. A file that
 * cannot be read does not keep the server from starting, or from taking up the rest: what it said before still holds, and
 * without that its CA has no CRL, of which `crl_mode` decides what follows.
 */
export class CrlFiles {
  readonly #log: Log
  readonly #files = new Map<string, ReadFile>()

  constructor(log: Log) {
    this.#log = log
  }

  /** The lists in a file as it is now: PEM, one or several, or one in DER. */
  read(path: string): readonly CrlFacts[] {
    const known = this.#files.get(path)
    try {
      const version = versionOf(path)
      if (known?.version === version) return known.crls
      const crls = readLists(path)
      this.#files.set(path, { version, crls })
      return crls
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const effect = known === undefined ? 'it counts as missing' : 'what it said before still holds'
      this.#log.error({ file: path, error: reason, effect }, 'a CRL cannot be read')
      return known?.crls ?? []
    }
  }
}

/** Changes whenever the file does, also when another one takes its place. */
function versionOf(path: string): string {
  const { ino, mtimeNs, ctimeNs, size } = statSync(path, { bigint: true })
  if (size > MAX_BYTES) throw new XmppkiError('BAD_INPUT', `${path} has ${size} bytes, more than ${MAX_BYTES}`)
  return `${ino} ${mtimeNs} ${ctimeNs} ${size}`
}

function readLists(path: string): CrlFacts[] {
  const octets = readFileSync(path)
  if (!octets.includes('-----BEGIN ')) return [readCrl(octets, path)]
  const ders = decodePemAll(octets.toString('utf8'), CRL_LABEL, path)
  return ders.map((der) => readCrl(der, path))
}
