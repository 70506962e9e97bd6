import type { ServerCertificateFiles } from '../workspace/servers/server-certificate-files.ts'

/** What a configuration is made for. */
export interface ServerRequest {
  readonly files: ServerCertificateFiles
  /** The folder with copies of the files that the server reads; undefined: it reads those of the workspace. */
  readonly copies?: string | undefined
  /** Whether accounts with passwords may log in as well. */
  readonly passwords: boolean
  /** The command that makes it, for the comment at the top. */
  readonly command: string
}

/** The text of a template by its name below `templates`, and how it is called in errors. */
export type ReadTemplate = (name: string) => { readonly text: string; readonly source: string }
