import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ReadTemplate, ServerRequest } from '../../../src/render/rendered-server.ts'

/** The templates of this checkout. */
export const readTemplate: ReadTemplate = (name) => {
  const source = fileURLToPath(new URL(`../../../templates/${name}`, import.meta.url))
  return { text: readFileSync(source, 'utf8'), source }
}

/** What a domain has; `given` takes the place of what is usual. */
export function serverRequest(given: Partial<ServerRequest['files']> = {}, passwords = false): ServerRequest {
  const files = {
    domain: 'example.org',
    chain: '/var/lib/xmppki/server/example.org/chain.crt',
    key: '/var/lib/xmppki/server/example.org/server.key',
    ca: '/var/lib/xmppki/ca/root.crt',
    crls: ['/var/lib/xmppki/ca/root.crl'],
    ...given,
  }
  return { files, passwords, command: 'xmppki config render TARGET' }
}

/** Where the text of a rendered file is kept as it was when somebody last looked at it. */
export function golden(name: string): string {
  return fileURLToPath(new URL(`../../golden/render/${name}`, import.meta.url))
}
