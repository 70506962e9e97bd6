export const XMPP_JS_PACKAGE: string
export function hasXmppJsPackage(): boolean
export function installXmppJsPackage(): boolean
