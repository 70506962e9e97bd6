import { XmppkiError } from '../errors.ts'
import type { Jid } from '../xmpp/address/jid.ts'
import {
  type NameContext,
  type NamedClient,
  ONE_FOLDER,
  type OneFolder,
  parseListedName,
  remarksAbout,
} from './client-names.ts'
import { parseDays, parseDevice, parseDomain } from './flags.ts'
import { readInputFile, sourceName } from './input-file.ts'
import type { ListedUser, ListRow } from './user-list.ts'

/** A user of a list who can be issued for. */
export interface ListedClient {
  readonly jid: Jid
  readonly device: string
  readonly days: number
  /** Where the list names the user: `users.csv:17`. */
  readonly place: string
  readonly line: number
}

/** A row that cannot be used, with the name as far as there is one. */
export interface RefusedRow {
  readonly name: string
  readonly line: number
  readonly error: XmppkiError
}

/** What the command line says for rows that do not say it themselves. */
export interface ListDefaults extends NameContext {
  readonly device: string
  readonly days: number
  /** How the file is called in messages. */
  readonly source: string
  /** The flag that names one folder for all domains. */
  readonly oneFolder: OneFolder | undefined
}

export interface ListedClients {
  readonly clients: readonly ListedClient[]
  readonly refused: readonly RefusedRow[]
  /** What to tell about names that were taken otherwise than one may think. */
  readonly remarks: readonly string[]
}

/**
 * Reads the list of users in a file; `-` is standard input.
 * @throws {XmppkiError} NOT_FOUND, IO, BAD_INPUT about the file as a whole
 */
export async function readListedClients(file: string, defaults: Omit<ListDefaults, 'source'>): Promise<ListedClients> {
  const source = sourceName(file)
  const octets = await readInputFile(file, { flag: '--file' })
  // Only here: the parser of CSV is not for those who name users on the command line.
  const { parseUserList } = await import('./user-list.ts')
  return listedClients(parseUserList(octets, source), { ...defaults, source })
}

/** Holds every row against the rules for the command line; errors name the file and the line. */
export function listedClients(rows: readonly ListRow[], defaults: ListDefaults): ListedClients {
  const clients: ListedClient[] = []
  const refused: RefusedRow[] = []
  const remarks: string[] = []
  const lines = new Map<string, number>()
  for (const row of rows) {
    const { line } = row
    const place = `${defaults.source}:${line}`
    try {
      if ('problem' in row) throw row.problem
      const { client, remarks: about } = clientOf(row, defaults)
      refuseDuplicate(client, line, lines, defaults)
      clients.push({ ...client, place, line })
      remarks.push(...about.map((remark) => `${place}: ${remark}`))
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      refused.push({ name: 'problem' in row ? '' : row.fields.name, line, error: errorAt(place, error) })
    }
  }
  return { clients, refused, remarks }
}

/** The error with the place in front of its message. */
export function errorAt(place: string, { code, message, hint, spec, cause }: XmppkiError): XmppkiError {
  return new XmppkiError(code, `${place}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(spec === undefined ? {} : { spec }),
    cause,
  })
}

function clientOf({ fields }: ListedUser, defaults: ListDefaults) {
  const { name, device, days } = fields
  const named = parseRowName(name, fields.domain, defaults)
  return {
    client: {
      jid: named.jid,
      device: device === undefined ? defaults.device : parseDevice(device),
      days: days === undefined ? defaults.days : parseDays(days, 'days'),
    },
    remarks: remarksAbout(named),
  }
}

/**
 * The user in a row. The domain of the row goes before that of the command line.
 * @throws {XmppkiError} BAD_NAME, USAGE; BAD_INPUT when the row contradicts itself
 */
export function parseRowName(name: string, domain: string | undefined, context: NameContext): NamedClient {
  if (domain === undefined) return parseListedName(name, context)
  const named = parseListedName(name, { domain: parseDomain(domain), explicit: false })
  if (named.jid.domain === parseDomain(domain)) return named
  throw new XmppkiError('BAD_INPUT', `${named.jid} is not at the domain ${domain} of the same row`)
}

function refuseDuplicate(
  { jid, device }: Pick<ListedClient, 'jid' | 'device'>,
  line: number,
  lines: Map<string, number>,
  { oneFolder }: ListDefaults,
): void {
  // Neither part contains a NUL.
  const key = `${oneFolder === undefined ? jid : jid.local}\0${device}`
  const earlier = lines.get(key)
  if (earlier === undefined) {
    lines.set(key, line)
    return
  }
  const name = device === '' ? `the user ${jid}` : `${jid} (${device})`
  throw new XmppkiError(
    'BAD_NAME',
    oneFolder === undefined
      ? `${name} is on line ${earlier} already`
      : `${name} would get the ${ONE_FOLDER[oneFolder]} of line ${earlier} in ${oneFolder}`,
  )
}
