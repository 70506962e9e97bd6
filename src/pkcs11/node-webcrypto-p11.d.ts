/**
 * The part of node-webcrypto-p11 2 that is used. The package has a native part that is compiled at its installation, so
 * it is installed only by those who have a token, and its types cannot come from it.
 */
declare module 'node-webcrypto-p11' {
  export interface TokenAlgorithm {
    readonly name: string
    readonly namedCurve?: string
    readonly hash?: string
    readonly modulusLength?: number
    readonly publicExponent?: Uint8Array
    /** Attributes of the object in the token: CKA_TOKEN, CKA_SENSITIVE, CKA_LABEL. */
    readonly token?: boolean
    readonly sensitive?: boolean
    readonly label?: string
  }

  export interface CryptoKey {
    /** `private-<handle>-<CKA_ID>`, both in hexadecimal. */
    readonly id: string
    readonly algorithm: { readonly name: string; readonly label: string }
  }

  export class Crypto {
    /** Loads the module, opens a session on the token in the slot (an index among those with a token). */
    constructor(options: { readonly library: string; readonly slot: number; readonly readWrite: boolean })
    readonly isLoginRequired: boolean
    /** CK_TOKEN_INFO */
    readonly token: { readonly label: string; readonly serialNumber: string; readonly flags: number }
    login(pin: string): void
    readonly subtle: {
      generateKey(
        algorithm: TokenAlgorithm,
        extractable: boolean,
        usages: readonly string[],
      ): Promise<{ readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }>
      exportKey(format: 'spki', key: CryptoKey): Promise<ArrayBuffer>
      sign(algorithm: TokenAlgorithm, key: CryptoKey, octets: Uint8Array): Promise<ArrayBuffer>
    }
    readonly keyStorage: {
      /** Ids of all keys that the session may see. */
      keys(): Promise<string[]>
      getItem(id: string): Promise<CryptoKey>
      getItem(
        id: string,
        algorithm: TokenAlgorithm,
        extractable: boolean,
        usages: readonly string[],
      ): Promise<CryptoKey>
    }
  }
}
