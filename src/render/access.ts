import { basename, dirname, join } from 'node:path'
import type { ServerCertificateFiles } from '../workspace/servers/server-certificate-files.ts'
import { shellWord } from './quote.ts'
import type { ServerRequest } from './rendered-server.ts'

/** A server that reads the files. */
interface Reader {
  readonly name: string
  /** The user that it runs as, as packages make it. */
  readonly user: string
  /** What makes it read them again; undefined where its documentation names nothing. */
  readonly reload: string | undefined
  /** How a line of comment begins in its configuration. */
  readonly comment: string
}

interface Access {
  /** Where the server finds the files. */
  readonly files: ServerCertificateFiles
  /** Lines of comment that say what is to be done about it. */
  readonly note: string
}

/** The root has a list of that name; the others, which are all called alike, are in folders of their own. */
function crlName(path: string): string {
  return basename(path) === 'root.crl' ? 'root.crl' : `${basename(dirname(path))}.crl`
}

/**
 * The workspace is closed to other users: where copies lie that the server can read, and how they come there.
 * @throws {XmppkiError} BAD_INPUT
 */
export function accessFor({ files, copies }: ServerRequest, { name, user, reload, comment }: Reader): Access {
  const lines = (texts: readonly string[]) => texts.map((text) => `${comment} ${text}`.trimEnd()).join('\n')
  if (copies === undefined) {
    const note = [
      `${name} runs as a user of its own, who must be able to read the certificates, keys and lists named here, while the`,
      'folder of xmppki is closed to others. With --files FOLDER the file names copies, and says here how to make them.',
    ]
    return { files, note: lines(note) }
  }
  const moved = { ...files, ...copiedFiles(files, copies) }
  const sources = [files.chain, files.key, files.ca, ...files.crls]
  const targets = [moved.chain, moved.key, moved.ca, ...moved.crls]
  const give = (mode: string) => `install -o ${user} -m ${mode}`
  const again = `${give('600')} -t ${shellWord(copies)} "$XMPPKI_CHAIN" "$XMPPKI_PRIVATE_KEY"`
  const note = [
    `${name} reads copies, as its user may not look into the folder of xmppki. Make them as root:`,
    `  install -d -o ${user} -m 700 ${shellWord(copies)}`,
    ...sources.map((source, index) => `  ${give('600')} ${shellWord(source)} ${shellWord(targets[index] ?? '')}`),
    ...(files.crls.length === 0 ? [] : ['Lists anew after each revocation and before they end;']),
    'key and certificate anew after each renewal, by:',
    `  xmppki server renew --expires-in 30d --exec ${shellWord([again, ...(reload === undefined ? [] : [reload])].join(' && '))}`,
  ]
  return { files: moved, note: lines(note) }
}

function copiedFiles({ chain, key, ca, crls }: ServerCertificateFiles, folder: string) {
  return {
    chain: join(folder, basename(chain)),
    key: join(folder, basename(key)),
    ca: join(folder, basename(ca)),
    crls: crls.map((path) => join(folder, crlName(path))),
  }
}
