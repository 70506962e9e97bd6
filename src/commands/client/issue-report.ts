import { errorAt, type RefusedRow } from '../../cli/listed-clients.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { duration, grouped } from '../../cli/progress.ts'
import type { XmppkiError } from '../../errors.ts'
import type { IssuedClient } from '../../workspace/clients/issue-client.ts'
import type { BatchClient, BatchResult } from '../../workspace/clients/issue-clients.ts'

/** A user who is to get a certificate, with the place in the list if there is one. */
export type NamedBatchClient = BatchClient & { readonly place?: string; readonly line?: number }

/** `line` is 0 for what was named on the command line. */
export interface Failure {
  readonly jid: string
  readonly device: string
  readonly line: number
  readonly error: XmppkiError
}

/** A row that was refused. */
export function refusal({ name, line, error }: RefusedRow): Failure {
  return { jid: name, device: '', line, error }
}

/** A client that could not be issued for; the message names the row. */
export function failure({ client, error }: BatchResult<NamedBatchClient>['failed'][number]): Failure {
  const { jid, device, place, line = 0 } = client
  return { jid: jid.toString(), device, line, error: place === undefined ? error : errorAt(place, error) }
}

/** `1,000 users: 990 issued, 7 already there, 3 failed, in 8.1 s` */
export function summaryLine(issued: readonly IssuedClient[], failed: number, seconds: number): string {
  const created = issued.filter((client) => client.created).length
  const counts = [
    `${grouped(created)} issued`,
    ...(created === issued.length ? [] : [`${grouped(issued.length - created)} already there`]),
    ...(failed === 0 ? [] : [`${grouped(failed)} failed`]),
  ]
  const total = issued.length + failed
  const users = `${grouped(total)} ${total === 1 ? 'user' : 'users'}`
  return `${users}: ${counts.join(', ')}, in ${duration(seconds)}`
}

/** @param goesOn whether the same command would accept what is there now */
export function interruptionLine({ issued, failed, left }: BatchResult<BatchClient>, goesOn: boolean): string {
  const total = issued.length + failed.length + left
  const how = goesOn ? 'the same command goes on' : 'the same command with --if-missing goes on'
  return `interrupted: ${grouped(issued.length)} of ${grouped(total)} users have their certificates; ${how}`
}

/** What was issued, or was there already, as it stands on the screen. @param sheet path of the welcome sheet, if any */
export function issuedLines(client: IssuedClient, sheet: string | undefined): string[] {
  const { jid, device, created, directory, files, notAfter, generatedPassword } = client
  const name = styled('bold', device === '' ? jid : `${jid} (${device})`)
  const sheetRow: [string, string][] = sheet === undefined ? [] : [['sheet', sheet]]
  if (!created) {
    const line = `${name} already has a certificate until ${day(notAfter)}: ${directory}`
    return sheet === undefined ? [line] : [line, ...columns(sheetRow)]
  }
  const password: [string, string][] =
    generatedPassword === undefined ? [] : [['password', `${generatedPassword} (also in ${files.p12Password})`]]
  const rows = columns([
    ['bundle', files.p12],
    ...password,
    ['certificate', files.certificate],
    ['private key', files.key],
    ['valid until', day(notAfter)],
    ...sheetRow,
  ])
  return [name, ...rows]
}
