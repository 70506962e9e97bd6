import { CLIENTS, type Credentials } from '../../src/render/client-facts.ts'
import { code, page, table } from './markdown.ts'

const WORDS: Readonly<Record<Credentials, string>> = {
  pem: 'certificate, PEM files',
  p12: 'certificate, PKCS#12 bundle',
  password: 'password',
}

/** The clients that `config render client` knows. */
export function clientsPage(): string {
  return page('Clients', [
    'What `xmppki config render client` knows: see [clients](../clients.md).',
    table(
      ['client', 'called', 'kind', 'logs in with'],
      CLIENTS.map(({ id, name, isProgram, credentials }) => [
        name,
        code(id),
        isProgram ? 'program' : 'library',
        WORDS[credentials],
      ]),
    ),
  ])
}
