import { decodeBase64 } from './attempt.ts'
import { decodeUtf8 } from './utf8-message.ts'

/** `client-first-message` of RFC 5802 §7. */
export interface ClientFirst {
  /** As sent, with its last comma: a part of what channel binding proves. */
  readonly gs2Header: string
  /** `y`: the client could bind and believes that we cannot; `n`: it cannot; otherwise the type that it binds by. */
  readonly binding: 'n' | 'y' | { readonly type: string }
  readonly authzid: string | undefined
  /** Without the header: the first part of what is signed. */
  readonly bare: string
  readonly username: string
  readonly nonce: string
}

/** `client-final-message` of RFC 5802 §7. */
export interface ClientFinal {
  /** `cbind-input` */
  readonly binding: Uint8Array
  readonly nonce: string
  readonly withoutProof: string
  readonly proof: Uint8Array
}

/** `saslname`, which is not empty, and `printable`. NUL is in neither. */
const NAME = '(?:[^\u0000,=]|=2C|=3D)+'
const NONCE = '[\\x21-\\x2b\\x2d-\\x7e]+'
/** Optional ones that nobody here knows have to be ignored (RFC 5802 §5.1); `m=` in their place is mandatory for us. */
const EXTENSIONS = '(?:,[A-Za-z]=[^\u0000,]+)*'

const FIRST = new RegExp(
  `^(?<header>(?<flag>n|y|p=(?<type>[A-Za-z0-9.-]+)),(?:a=(?<authzid>${NAME}))?,)` +
    `(?<bare>n=(?<username>${NAME}),r=(?<nonce>${NONCE})${EXTENSIONS})$`,
)

const FINAL = new RegExp(
  `^(?<signed>c=(?<binding>[A-Za-z0-9+/=]+),r=(?<nonce>${NONCE})${EXTENSIONS}),p=(?<proof>[A-Za-z0-9+/=]+)$`,
)

/** Longest nonce: who sends more only wants it to be sent back. */
const MAX_NONCE = 256

function groupsOf(pattern: RegExp, data: Uint8Array): Record<string, string | undefined> | undefined {
  const text = decodeUtf8(data)
  return text === undefined ? undefined : pattern.exec(text)?.groups
}

/** RFC 5802 §5.1: the comma and the equals sign in names. */
function unescaped(name: string): string {
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

/** @returns undefined when it is not what the grammar wants, or demands an extension */
export function readClientFirst(data: Uint8Array): ClientFirst | undefined {
  const groups = groupsOf(FIRST, data)
  const { header, flag, type, authzid, bare, username, nonce } = groups ?? {}
  if (header === undefined || bare === undefined || username === undefined || nonce === undefined) return undefined
  if (nonce.length > MAX_NONCE) return undefined
  return {
    gs2Header: header,
    binding: type !== undefined ? { type } : flag === 'y' ? 'y' : 'n',
    authzid: authzid === undefined ? undefined : unescaped(authzid),
    bare,
    username: unescaped(username),
    nonce,
  }
}

/** @returns undefined when it is not what the grammar wants */
export function readClientFinal(data: Uint8Array): ClientFinal | undefined {
  const { signed, binding, nonce, proof } = groupsOf(FINAL, data) ?? {}
  const bindingData = decodeBase64(binding ?? '?')
  const proofData = decodeBase64(proof ?? '?')
  if (signed === undefined || nonce === undefined || bindingData === undefined || proofData === undefined) {
    return undefined
  }
  return { binding: bindingData, nonce, withoutProof: signed, proof: proofData }
}
