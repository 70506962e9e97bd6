export const PKCS11_PACKAGE: string
export function hasPkcs11Package(): boolean
export function installPkcs11Package(): boolean
