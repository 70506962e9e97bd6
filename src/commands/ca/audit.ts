import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { parseClientNames } from '../../cli/client-names.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { domainFlag } from '../../cli/flags.ts'
import { holderText, styled } from '../../cli/output.ts'
import { table } from '../../cli/table.ts'
import { XmppkiError } from '../../errors.ts'
import { AUDIT_KINDS } from '../../store/audit.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import type { AuditedEntry, AuditReport } from '../../workspace/ca/audit-trail.ts'

export default class CaAudit extends XmppkiCommand<AuditReport> {
  static override summary = 'Show and verify the log of what was done with the CA, and by whom.'

  static override description = [
    'Everything that issues, renews, signs, revokes, exports, writes a CRL or makes a backup leaves an entry: when, which user of which machine (and who had become that user with sudo), which certificate, and why. Entries are written together with what they tell of, and cannot be changed or removed by xmppki.',
    'Each entry holds the SHA-256 of the one before. Every run verifies all of them, and that log and ledger tell the same, whatever is shown; when something does not fit, the first such thing is named and the exit code is 6. Whoever can write the database could still write the whole log anew: to find that too, note the head that is printed at the end somewhere else and give it to --expect later, or send the log away with --json.',
    'Needs no key and changes nothing. With --json every entry is one line, and the last line is the head.',
    exitCodes({
      DONE: 'the log is whole',
      NOT_FOUND: 'there is no CA',
      CORRUPT: 'it is not, or log and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'Everything, and whether it is whole:', command: '<%= config.bin %> ca audit' },
    {
      description: 'Who revoked what in the last month:',
      command: '<%= config.bin %> ca audit --event revoked --since 30d',
    },
    {
      description: "A user's whole story, for a log shipper:",
      command: '<%= config.bin %> ca audit --user alice --json',
    },
    {
      description: 'Whether it still continues what was noted last week:',
      command: '<%= config.bin %> ca audit --since 7d --expect "$(cat audit-head)"',
    },
  ]

  static override flags = {
    user: Flags.string({
      summary: 'only entries about the certificates of this user, a username or a bare JID',
      helpValue: 'NAME',
      env: 'XMPPKI_AUDIT_USER',
    }),
    domain: domainFlag({
      summary: 'domain of a name without one (default: that of the workspace)',
      env: 'XMPPKI_DOMAIN',
    }),
    serial: Flags.string({
      summary: 'only entries about the certificate with this serial number',
      helpValue: 'HEX',
      env: 'XMPPKI_AUDIT_SERIAL',
    }),
    issuer: Flags.string({
      summary: 'only entries about certificates of the CA whose id (issuerId in --json) begins with this',
      helpValue: 'HEX',
      env: 'XMPPKI_AUDIT_ISSUER',
    }),
    event: Flags.option({
      summary: 'only entries of this kind; may be given several times',
      options: AUDIT_KINDS,
      multiple: true,
      multipleNonGreedy: true,
      env: 'XMPPKI_AUDIT_EVENT',
    })(),
    since: Flags.string({
      summary: 'only entries of this time: 30d, 12h, 2w, or since a date: 2030-01-31',
      helpValue: 'WHEN',
      env: 'XMPPKI_AUDIT_SINCE',
    }),
    expect: Flags.string({
      summary: 'head that an earlier run has printed: it must be in the log',
      helpValue: 'HASH',
      env: 'XMPPKI_AUDIT_EXPECT',
    }),
  }

  async run(): Promise<AuditReport> {
    const { flags } = await this.parse(CaAudit)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { parseSince, readAuditTrail } = await import('../../workspace/ca/audit-trail.ts')
    const { parseIssuerId, parseSerial } = await import('../../workspace/base/certificate-number.ts')
    const since = flags.since === undefined ? undefined : parseSince(flags.since)
    const serial = flags.serial === undefined ? undefined : parseSerial(flags.serial)
    const issuerId = flags.issuer === undefined ? undefined : parseIssuerId(flags.issuer)
    const expected = flags.expect === undefined ? undefined : parseHash(flags.expect)
    const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
    try {
      const domain = workspace.defaultDomain
      const name = flags.user === undefined ? undefined : nameOf(flags.user, flags.domain, domain)
      const filter = {
        ...(name === undefined ? {} : { name }),
        ...(serial === undefined ? {} : { serial }),
        ...(issuerId === undefined ? {} : { issuerId }),
        ...(since === undefined ? {} : { since }),
        ...(flags.event === undefined ? {} : { events: flags.event }),
      }
      const report = readAuditTrail(workspace.ledger(), filter, expected)
      await this.#show(report, workspace)
      return report
    } finally {
      workspace.close()
    }
  }

  /** One line for each entry, as log shippers take it. */
  override logJson(result: unknown): void {
    if (typeof result !== 'object' || result === null || !('entries' in result)) {
      super.logJson(result)
      return
    }
    const { entries, head } = result as AuditReport
    for (const line of [...entries, { head }]) process.stdout.write(`${JSON.stringify(line)}\n`)
  }

  async #show({ entries, head }: AuditReport, { paths }: Workspace): Promise<void> {
    const rows = entries.map((entry) => {
      const at = entry.at.toISOString().replace(/\.\d+Z$/, 'Z')
      const cells = [at, whoOf(entry), entry.event, nameAndDevice(entry), entry.serial ?? '-', detailsOf(entry)]
      // A path or a variable of the environment may hold anything.
      return cells.map((cell) => cell.replaceAll(/\p{Cc}/gu, '?'))
    })
    const [heading = '', ...lines] = await table(['time', 'who', 'what', 'name', 'serial', 'details'], rows)
    if (lines.length > 0) this.log(styled('bold', heading))
    for (const line of lines) this.log(line)
    if (lines.length === 0) this.say('no such entries')
    this.say(`${head.number} entries, all good, in ${paths.ledger}`)
    this.say(`head: ${head.hash}`)
  }
}

/** @throws {XmppkiError} BAD_INPUT */
function parseHash(text: string): string {
  const hash = text.trim().toLowerCase()
  if (/^[0-9a-f]{64}$/.test(hash)) return hash
  throw new XmppkiError('BAD_INPUT', `'${text}' is not the head of an audit log`, {
    hint: 'it has 64 hexadecimal digits; xmppki ca audit prints it in its last line',
  })
}

function nameOf(name: string, explicit: string | undefined, domain: string): string {
  const [client] = parseClientNames([name], { domain: explicit ?? domain, explicit: explicit !== undefined })
  return client?.jid.toString() ?? ''
}

function whoOf({ actor }: AuditedEntry): string {
  if (actor === undefined) return '-'
  const { user, sudoUser, host } = actor
  return `${sudoUser === undefined ? user : `${sudoUser} as ${user}`}@${host}`
}

function nameAndDevice({ name, device }: AuditedEntry): string {
  return name === undefined ? '-' : holderText(name, device)
}

function detailsOf({ reason, details = {} }: AuditedEntry): string {
  const words = Object.entries(details).map(([name, value]) => `${name}=${value}`)
  return [...(reason === undefined ? [] : [reason]), ...words].join(' ')
}
