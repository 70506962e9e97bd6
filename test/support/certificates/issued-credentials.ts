import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from './certificates.ts'

/** What `client issue` has made for somebody in this workspace: key and certificate, without the CAs above it. */
export function issuedCredentials(home: string, user: string, domain = 'localhost'): Credentials {
  const file = (suffix: string) => readFileSync(join(home, 'clients', domain, user, `${user}.${suffix}`), 'utf8')
  return { key: file('key'), cert: file('crt') }
}
