import { XmppkiError } from '../../errors.ts'
import { PUBLIC_FILE, readTextIfAny, replaceFile } from '../disk/files.ts'

/** What `workspace.json` holds. */
export interface WorkspaceSettings {
  /** The XMPP domain of names that are given without one. */
  readonly domain: string
  /**
   * Where relying parties find CRLs, CA certificates and the OCSP responder: an http(s) URL without a slash at the end,
   * written into every certificate. Undefined: certificates name no such place.
   */
  readonly pkiUrl?: string
}

const VERSION = 1

/** Reads the settings; undefined when the file is missing. @throws {XmppkiError} CORRUPT, IO */
export function readSettings(path: string): WorkspaceSettings | undefined {
  const text = readTextIfAny(path)
  return text === undefined ? undefined : parseSettings(text, path)
}

/** Writes the settings, atomically. @throws {XmppkiError} IO */
export function writeSettings(path: string, settings: WorkspaceSettings): void {
  const { domain, pkiUrl } = settings
  const content = `${JSON.stringify({ version: VERSION, domain, pkiUrl }, null, 2)}\n`
  replaceFile(path, { content, mode: PUBLIC_FILE })
}

function parseSettings(text: string, path: string): WorkspaceSettings {
  const value = parseJson(text)
  if (!isRecord(value) || typeof value['version'] !== 'number') throw damaged(path)
  if (value['version'] > VERSION) {
    throw new XmppkiError('CORRUPT', `${path} was written by a newer xmppki`, {
      hint: 'install the newest xmppki',
    })
  }
  const { domain, pkiUrl } = value
  if (typeof domain !== 'string' || domain === '') throw damaged(path)
  if (pkiUrl === undefined) return { domain }
  if (typeof pkiUrl !== 'string' || pkiUrl === '') throw damaged(path)
  return { domain, pkiUrl }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function damaged(path: string): XmppkiError {
  return new XmppkiError('CORRUPT', `${path} is not what xmppki wrote there`, {
    hint: `restore it, e.g. with: {"version": ${VERSION}, "domain": "example.org"}`,
  })
}
