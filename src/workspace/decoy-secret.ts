import { randomBytes } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import { createWholeFile, readTextIfAny, SECRET_FILE } from './files.ts'
import type { WorkspacePaths } from './paths.ts'

const BYTES = 32

function parse(text: string, path: string): Uint8Array {
  const secret = Buffer.from(text.trim(), 'base64')
  if (secret.length === BYTES) return secret
  throw new XmppkiError('CORRUPT', `${path} is not what xmppki wrote`, { hint: 'remove it: a new one is made' })
}

/**
 * What the salts of names are made from that have no account; made when it is asked for the first time. It opens nothing:
 * whoever has it can tell which accounts exist.
 * @throws {XmppkiError} CORRUPT, IO
 */
export function decoySecret({ decoySecret: path }: WorkspacePaths): Uint8Array {
  const kept = readTextIfAny(path)
  if (kept !== undefined) return parse(kept, path)
  const made = randomBytes(BYTES)
  try {
    createWholeFile(path, { content: `${made.toString('base64')}\n`, mode: SECRET_FILE })
    return made
  } catch (error) {
    // Another server may have made it at the same moment.
    const other = readTextIfAny(path)
    if (other === undefined) throw error
    return parse(other, path)
  }
}
