import type { Crypto } from 'node-webcrypto-p11'
import { XmppkiError } from '../errors.ts'

const PACKAGE = 'node-webcrypto-p11'

/** Which token is meant; label and serial number as CK_TOKEN_INFO has them. */
export interface TokenSelector {
  /** Absolute path of the PKCS #11 module, the library of the maker. */
  readonly module: string
  /** Undefined: the only one there is. */
  readonly label?: string | undefined
  readonly serial?: string | undefined
}

/** Return values and token flags by their numbers in PKCS #11 v2.40. */
const CKR = {
  pinIncorrect: 0xa0,
  pinInvalid: 0xa1,
  pinLenRange: 0xa2,
  pinLocked: 0xa4,
  tokenNotPresent: 0xe0,
  tokenNotRecognized: 0xe1,
  userPinNotInitialized: 0x102,
} as const
const CKF_USER_PIN_FINAL_TRY = 0x20000
const CKF_USER_PIN_LOCKED = 0x40000

/** The CK_RV of what the module refused; undefined for other errors. */
function returnValue(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined
}

/** The first line of an error, for people. */
function reasonOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1)
  return line
}

/** What a token or its module refused. */
function refusal(token: string, error: unknown): XmppkiError {
  return new XmppkiError('IO', `the PKCS#11 token '${token}' refused: ${reasonOf(error)}`, { cause: error })
}

/** What a module refused before there was a token. */
function moduleRefusal(module: string, error: unknown): XmppkiError {
  return new XmppkiError('IO', `the PKCS#11 module ${module} refused: ${reasonOf(error)}`, {
    hint: 'is its configuration there, and its device plugged in?',
    cause: error,
  })
}

/** Runs something in the token. @throws XmppkiError IO when it refuses */
export async function inToken<T>(token: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof XmppkiError) throw error
    throw refusal(token, error)
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const isNotFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  return isNotFound && error instanceof Error && error.message.includes(`'${PACKAGE}'`)
}

async function loadPackage(): Promise<typeof Crypto> {
  try {
    return (await import('node-webcrypto-p11')).Crypto
  } catch (error) {
    if (isMissing(error)) {
      throw new XmppkiError('NOT_FOUND', `PKCS#11 needs the package ${PACKAGE}`, {
        hint: `install it beside xmppki: npm install -g ${PACKAGE}`,
        cause: error,
      })
    }
    throw new XmppkiError('IO', `the package ${PACKAGE} cannot be loaded: ${reasonOf(error)}`, {
      hint: 'its native part is missing or of another Node.js; build it again: npm rebuild -g pkcs11js',
      cause: error,
    })
  }
}

/** Every token that can be used now; a slot with a token that was never initialized is passed over. */
function openTokens(P11Crypto: typeof Crypto, library: string): Crypto[] {
  const tokens: Crypto[] = []
  for (let slot = 0; ; slot++) {
    try {
      tokens.push(new P11Crypto({ library, slot, readWrite: true }))
    } catch (error) {
      const value = returnValue(error)
      if (value === CKR.tokenNotPresent || value === CKR.tokenNotRecognized) continue
      // The package knows no other way to say that this was the last one.
      if (error instanceof Error && error.message.startsWith('Slot by index')) return tokens
      if (value !== undefined) throw moduleRefusal(library, error)
      throw new XmppkiError('BAD_INPUT', `${library} cannot be loaded as a PKCS#11 module`, {
        hint: "name the library of the token's maker, for example /usr/lib/softhsm/libsofthsm2.so",
        cause: error,
      })
    }
  }
}

function quoted(tokens: readonly Crypto[]): string {
  return tokens.map(({ token }) => `'${token.label}'`).join(', ')
}

/**
 * Opens the token, not yet logged in.
 * @throws XmppkiError NOT_FOUND when the package, or the token is missing; BAD_INPUT when the module cannot be loaded or
 *   several tokens fit; IO
 */
export async function openToken({ module, label, serial }: TokenSelector): Promise<Crypto> {
  const tokens = openTokens(await loadPackage(), module)
  const fitting = tokens
    .filter(({ token }) => label === undefined || token.label === label)
    .filter(({ token }) => serial === undefined || token.serialNumber === serial)
  const [found, ...others] = fitting
  if (found === undefined) {
    const what = label === undefined ? 'no token' : `no token '${label}'`
    const number = serial === undefined ? '' : ` with the serial number ${serial}`
    throw new XmppkiError('NOT_FOUND', `${module} has ${what}${number}`, {
      hint: tokens.length === 0 ? 'plug it in, or initialize it' : `it has ${quoted(tokens)}`,
    })
  }
  if (others.length > 0) {
    throw new XmppkiError('BAD_INPUT', `${module} has several tokens: ${quoted(fitting)}`, {
      hint: 'choose one with --pkcs11-token LABEL',
    })
  }
  return found
}

/** Refuses where one more wrong PIN would lock the token: a service that restarts would do that by itself. */
export function checkPinTries({ label, flags }: Pick<Crypto['token'], 'label' | 'flags'>): void {
  if ((flags & CKF_USER_PIN_LOCKED) !== 0) throw pinLocked(label)
  if ((flags & CKF_USER_PIN_FINAL_TRY) === 0) return
  throw new XmppkiError('PASSPHRASE', `the PKCS#11 token '${label}' has one try left for its PIN`, {
    hint: 'log in with another program first, which resets the count: pkcs11-tool --module MODULE --login --list-objects',
  })
}

function pinLocked(label: string): XmppkiError {
  return new XmppkiError('PASSPHRASE', `the PIN of the PKCS#11 token '${label}' is locked`, {
    hint: 'set a new one as its security officer, with the program of its maker',
  })
}

function loginFailure(label: string, error: unknown): XmppkiError {
  switch (returnValue(error)) {
    case CKR.pinIncorrect:
    case CKR.pinInvalid:
    case CKR.pinLenRange:
      return new XmppkiError('PASSPHRASE', `wrong PIN for the PKCS#11 token '${label}'`, {
        hint: 'nothing was changed; after a few wrong ones the token locks itself',
        cause: error,
      })
    case CKR.pinLocked:
      return pinLocked(label)
    case CKR.userPinNotInitialized:
      return new XmppkiError('PASSPHRASE', `the PKCS#11 token '${label}' has no PIN yet`, {
        hint: 'set one with the program of its maker',
        cause: error,
      })
    default:
      return refusal(label, error)
  }
}

/**
 * Logs in, with one try only.
 * @param pin asked when the token wants one
 * @throws XmppkiError PASSPHRASE when the PIN is wrong, locked, or about to be; IO
 */
export async function logIn(crypto: Crypto, pin: () => Promise<string>): Promise<void> {
  if (!crypto.isLoginRequired) return
  checkPinTries(crypto.token)
  const secret = await pin()
  try {
    crypto.login(secret)
  } catch (error) {
    throw loginFailure(crypto.token.label, error)
  }
}
