import { Decrypter, Encrypter, type Stanza } from 'age-encryption'
import { XmppkiError } from '../../errors.ts'

/*
 * The file format of age (https://c2sp.org/age), with a passphrase. Of the formats that authenticate every block and
 * notice a missing end, it is the one that other programs can open: `age --decrypt FILE` (packaged by every
 * distribution) works without xmppki. openssl has none: the CMS that its command line decrypts with a password is held
 * in memory as a whole and gives out text before that has been authenticated.
 */

const INTRO = 'age-encryption.org/v1\n'
/** How the last line of the header begins. */
const LAST_LINE = '\n--- '
/** Longer than any header with a passphrase. The package would look for the end of a line through all of the file. */
const MAX_HEADER = 1_024
/** log2(N) of scrypt: 128 MiB (r = 8). That of the package, 18, takes twice the time. */
export const WORK_FACTOR = 17

/** Encrypts one thing; the pieces of the result are to be written one behind the other. */
export type AgeEncryption = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

/** Encryption with a passphrase. Deriving the key takes its time here, so that nobody has to wait for it later. */
export async function ageEncryption(passphrase: string, workFactor = WORK_FACTOR): Promise<AgeEncryption> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  encrypter.setScryptWorkFactor(workFactor)
  const plain = new TransformStream<Uint8Array, Uint8Array>()
  const encrypted = await encrypter.encrypt(plain.readable)
  return (pieces) => {
    // What fails fails the stream that is read as well.
    ReadableStream.from(pieces)
      .pipeTo(plain.writable)
      .catch(() => undefined)
    return encrypted
  }
}

/**
 * Decrypts what {@link ageEncryption}, or age itself, has made. Every piece is authentic when it is given out; that the
 * end is missing is found at the end. A header that asks for more than 2^20 rounds of scrypt is refused at once.
 * @param source what it is called in messages
 * @throws {XmppkiError} BAD_INPUT when it is something else, PASSPHRASE when the passphrase is wrong, CORRUPT
 */
export async function* decryptAge(
  pieces: Iterable<Uint8Array>,
  passphrase: string,
  source: string,
): AsyncGenerator<Uint8Array> {
  const bytes = withHeader(pieces, source)
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  decrypter.addIdentity({
    // Asked when the passphrase does not fit.
    unwrapFileKey: (stanzas: Stanza[]) => {
      throw stanzas.some(({ args }) => args[0] === 'scrypt') ? wrongPassphrase(source) : damaged(source)
    },
  })
  try {
    yield* await decrypter.decrypt(ReadableStream.from(bytes))
  } catch (error) {
    throw error instanceof XmppkiError ? error : damaged(source, error)
  } finally {
    bytes.return()
  }
}

/** The pieces as they are, if what they begin with may be the header of a backup. @throws {XmppkiError} BAD_INPUT, CORRUPT */
function* withHeader(pieces: Iterable<Uint8Array>, source: string): Generator<Uint8Array, void> {
  let start: Buffer | undefined = Buffer.alloc(0)
  for (const piece of pieces) {
    if (start === undefined) yield piece
    else {
      start = Buffer.concat([start, piece])
      if (start.length < MAX_HEADER) continue
      checkHeader(start, source)
      yield start
      start = undefined
    }
  }
  if (start === undefined) return
  checkHeader(start, source)
  yield start
}

function checkHeader(start: Buffer, source: string): void {
  const text = start.toString('latin1', 0, MAX_HEADER)
  if (!text.startsWith(INTRO)) {
    throw new XmppkiError('BAD_INPUT', `${source} is not a backup`, {
      hint: 'give a file that xmppki ca backup has made',
    })
  }
  if (!text.includes(LAST_LINE)) throw damaged(source)
}

function wrongPassphrase(source: string): XmppkiError {
  return new XmppkiError('PASSPHRASE', `wrong passphrase for ${source}`, { hint: 'or its first lines are damaged' })
}

function damaged(source: string, cause?: unknown): XmppkiError {
  return new XmppkiError('CORRUPT', `${source} is damaged or not complete`, {
    hint: 'take another copy of the backup',
    cause,
  })
}
