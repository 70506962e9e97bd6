import { accessFor } from './access.ts'
import { fill } from './fill.ts'
import { quotedFiles, quotedList } from './quote.ts'
import type { ReadTemplate, ServerRequest } from './rendered-server.ts'

const MONGOOSEIM = { name: 'MongooseIM', user: 'mongooseim', reload: undefined }

/** What a listener with STARTTLS does with a client whose certificate does not count. */
const ON_FAILURE = {
  pki: [
    '  # A client without a good certificate is disconnected: there is nothing else that it could log in with.',
    '  tls.disconnect_on_failure = true',
  ],
  passwords: [
    '  # A client without a good certificate may go on with its password. Only with STARTTLS: on a listener with mode "tls"',
    '  # MongooseIM would take every certificate for a good one then.',
    '  tls.disconnect_on_failure = false',
  ],
} as const

const NO_CRL = ['  # Once there is a CRL (xmppki ca crl):', '  # tls.crl_files = ["/path/to/root.crl"]']

/** The `mongooseim.toml` of MongooseIM 6. @throws {XmppkiError} BAD_INPUT */
export function renderMongooseimToml(request: ServerRequest, read: ReadTemplate): string {
  const { passwords, command } = request
  const { files, note: access } = accessFor(request, { ...MONGOOSEIM, comment: '#' })
  const { crls } = files
  return fill(read, 'mongooseim/mongooseim.toml', {
    command,
    access,
    ...quotedFiles(files),
    onFailure: ON_FAILURE[passwords ? 'passwords' : 'pki'].join('\n'),
    crlFiles: [
      '  # MongooseIM reads this option, but up to 6.8 a revoked certificate logs in all the same.',
      ...(crls.length === 0 ? NO_CRL : [`  tls.crl_files = [${quotedList(crls)}]`]),
    ].join('\n'),
    methods: quotedList(passwords ? ['rdbms', 'pki'] : ['pki']),
    mechanisms: quotedList(passwords ? ['external', 'scram_sha512', 'scram_sha256', 'scram_sha1'] : ['external']),
    passwords: passwords ? fill(read, 'mongooseim/passwords.toml', {}) : '',
  })
}

/** The Erlang terms of MongooseIM 3, in the words of its guide to client certificates. @throws {XmppkiError} BAD_INPUT */
export function renderMongooseimCfg(request: ServerRequest, read: ReadTemplate): string {
  const { passwords, command } = request
  const { files, note: access } = accessFor(request, { ...MONGOOSEIM, comment: '%%' })
  const { crls } = files
  return fill(read, 'mongooseim/mongooseim.cfg', {
    command,
    access,
    ...quotedFiles(files),
    onFailure: passwords
      ? ',\n      %% A client without a good certificate may go on with its password.\n      {verify_fun, {peer, false}}'
      : '',
    crlFiles:
      crls.length === 0
        ? ''
        : `,\n    %% Read, but not asked: a revoked certificate logs in all the same.\n    {crlfiles, [${quotedList(crls)}]}`,
    methods: passwords ? 'odbc, pki' : 'pki',
    mechanisms: passwords ? 'cyrsasl_scram, cyrsasl_external' : 'cyrsasl_external',
    passwords: passwords ? fill(read, 'mongooseim/passwords.cfg', {}) : '',
  })
}
