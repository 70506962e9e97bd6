import { fill } from './fill.ts'
import type { ReadTemplate } from './rendered-server.ts'

/**
 * The `nginx.conf` of a machine with an XMPP server behind it.
 * @param url where certificates say that CRLs and OCSP are
 */
export function renderNginx({ url, command }: { url: URL; command: string }, read: ReadTemplate): string {
  const path = url.pathname.replace(/\/+$/, '')
  return fill(read, 'nginx/nginx.conf', {
    command,
    // An https URL is served by whatever has its certificate, and that asks here.
    port: url.protocol === 'http:' && url.port !== '' ? url.port : '80',
    serverName: url.hostname,
    location: quotedWord(`${path}/`),
    // With a path nginx sends what is behind the location, without one the request as it came.
    path: path === '' ? '' : '/',
  })
}

/** What a URL may have in its path is no more than what one word of nginx may have, but for these. */
function quotedWord(path: string): string {
  return /[;'"{}\\$]/.test(path) ? JSON.stringify(path) : path
}
