import { readFileSync } from 'node:fs'
import type { Service } from '../../../interop/service.ts'
import { Terminal } from './terminal.ts'

/** A Profanity with one account, which it logs in with at once; its log has every element that it sent and received. */
export function startProfanity(service: Service, jid: string, password: string): Terminal {
  const terminal = new Terminal('profanity', 'profanity.log')
  // It asks for passwords unless they stand in its list of accounts.
  const account = [`[${jid}]`, 'enabled=true', `jid=${jid}`, `password=${password}`, 'resource=profanity']
  const address = ['server=127.0.0.1', `port=${service.port}`, 'tls.policy=force']
  terminal.placeAtHome('profanity/accounts', [...account, ...address, ''].join('\n'))
  const ca = terminal.place('root.crt', readFileSync(service.rootCertificate))
  const command = ['profanity', '--log', 'DEBUG', '--logfile', terminal.path('profanity.log'), '--account', jid]
  // It trusts what the system trusts.
  terminal.run(command, { SSL_CERT_FILE: ca })
  return terminal
}
