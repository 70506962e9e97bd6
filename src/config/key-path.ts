/** The path of a key in a table, as it is shown: `listen.c2s[1].tls.mode`. */
export function join(table: string, key: string): string {
  const word = /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)
  return table === '' ? word : `${table}.${word}`
}
