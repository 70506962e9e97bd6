import { XmppkiError } from '../errors.ts'

/** What a client logs in with: PEM files of certificate and key, a PKCS#12 bundle, or a password. */
export type Credentials = 'pem' | 'p12' | 'password'

/** A client program and what it can do. Observed with the versions of Debian 12, Conversations from its sources. */
export interface ClientFacts {
  /** Name of its guide among the templates, and how the command line calls it. */
  readonly id: string
  readonly name: string
  readonly credentials: Credentials
  /** Whether it is for people; the others are libraries for programs. */
  readonly isProgram: boolean
}

/** Those that can present a certificate first, the ones for people before the libraries. */
export const CLIENTS: readonly ClientFacts[] = [
  { id: 'conversations', name: 'Conversations', credentials: 'p12', isProgram: true },
  { id: 'poezio', name: 'Poezio', credentials: 'pem', isProgram: true },
  { id: 'tkabber', name: 'Tkabber', credentials: 'pem', isProgram: true },
  { id: 'slixmpp', name: 'slixmpp', credentials: 'pem', isProgram: false },
  { id: 'gloox', name: 'gloox', credentials: 'pem', isProgram: false },
  { id: 'libstrophe', name: 'libstrophe', credentials: 'p12', isProgram: false },
  { id: 'gajim', name: 'Gajim', credentials: 'password', isProgram: true },
  { id: 'profanity', name: 'Profanity', credentials: 'password', isProgram: true },
  { id: 'dino', name: 'Dino', credentials: 'password', isProgram: true },
  { id: 'psi', name: 'Psi', credentials: 'password', isProgram: true },
]

/** @throws {XmppkiError} USAGE when there is no such client */
export function clientFacts(id: string): ClientFacts {
  const facts = CLIENTS.find((client) => client.id === id)
  if (facts === undefined) throw new XmppkiError('USAGE', `there is no client '${id}'`)
  return facts
}

/** The names of some of them as a sentence has them: `Gajim, Profanity and Dino`. */
export function namesOf(clients: readonly ClientFacts[]): string {
  const names = clients.map(({ name }) => name)
  const last = names.pop() ?? ''
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`
}
