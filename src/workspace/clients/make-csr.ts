import { join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { createCsr } from '../../pki/csr/csr.ts'
import type { KeyAlgorithm } from '../../pki/keys/algorithms.ts'
import { encodePrivateKey, generateKeyPair } from '../../pki/keys/keys.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { diskName } from '../disk/disk-name.ts'
import {
  createFile,
  exists,
  makePrivateFolder,
  PUBLIC_FILE,
  removeAll,
  SECRET_FILE,
  syncFolder,
} from '../disk/files.ts'

export interface CsrRequest {
  /** A bare JID with a localpart. */
  readonly jid: Jid
  readonly algorithm: KeyAlgorithm
  /** Absolute path of the folder for both files. */
  readonly out: string
  /** Asked once it is clear that a key will be made; undefined leaves the key unencrypted. */
  readonly passphrase: () => Promise<string | undefined>
}

/** Absolute paths. */
export interface MadeCsr {
  readonly jid: string
  readonly files: { readonly key: string; readonly csr: string }
}

/**
 * Makes a key and a certificate request for it; needs no workspace and no CA.
 * @throws {XmppkiError} EXISTS when one of the files is there, BAD_NAME, PASSPHRASE, IO
 */
export async function makeCsr({ jid, algorithm, out, passphrase }: CsrRequest): Promise<MadeCsr> {
  if (jid.local === undefined) throw new XmppkiError('BAD_NAME', `'${jid}' is not the JID of a user`)
  const base = diskName(jid.local)
  const names = { key: `${base}.key`, csr: `${base}.csr` }
  const files = { key: join(out, names.key), csr: join(out, names.csr) }
  const taken = [files.key, files.csr].find(exists)
  if (taken !== undefined) {
    throw new XmppkiError('EXISTS', `${taken} is already there`, {
      hint: 'nothing was changed; choose another folder with --out, or move the file away',
    })
  }
  const secret = await passphrase()
  const keys = await generateKeyPair(algorithm)
  const key = await encodePrivateKey(keys.privateKey, secret)
  const csr = await createCsr({ keys, jid: { local: jid.local, domain: jid.domain, bare: jid.toString() } })
  makePrivateFolder(out)
  createFile(out, { name: names.key, content: key, mode: SECRET_FILE })
  try {
    createFile(out, { name: names.csr, content: csr, mode: PUBLIC_FILE })
  } catch (error) {
    // A key whose request is missing would only be in the way of the next attempt.
    removeAll(files.key)
    throw error
  }
  syncFolder(out)
  return { jid: jid.toString(), files }
}
