const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @returns undefined when the bytes are not UTF-8 */
export function decodeUtf8(data: Uint8Array): string | undefined {
  try {
    return DECODER.decode(data)
  } catch {
    return undefined
  }
}
