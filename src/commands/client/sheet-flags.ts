import { Flags } from '@oclif/core'
import { CLIENT_ADDRESS_FLAGS } from '../../cli/client-address.ts'
import { pathFlag } from '../../cli/flags.ts'

export const SHEET_FLAGS = {
  sheet: Flags.boolean({
    summary: 'put a welcome sheet to print beside each bundle: how to log in, for the user',
    exclusive: ['sheets'],
    env: 'XMPPKI_SHEET',
  }),
  sheets: pathFlag({
    summary: 'put the welcome sheets into this folder',
    exclusive: ['sheet'],
    env: 'XMPPKI_SHEETS',
  }),
  'with-password': Flags.boolean({
    summary: 'print the password of the bundle on the sheet',
    env: 'XMPPKI_WITH_PASSWORD',
  }),
  ...CLIENT_ADDRESS_FLAGS,
}

/** What the parser makes of {@link SHEET_FLAGS}. */
export interface SheetFlagValues {
  readonly sheet: boolean
  readonly sheets: string | undefined
  readonly 'with-password': boolean
  readonly host: string | undefined
  readonly port: number | undefined
}
